() => {
    // On a phone progress and results lie below all controls.
    if (window.innerWidth < 900)
        setTimeout(() => document.getElementById('compare-status')?.scrollIntoView({behavior: 'smooth'}), 100);
    return [];
}
