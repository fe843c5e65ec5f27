() => {
    // gradio's before/after slider hears the mouse alone: keys become a press of the mouse at the new place.
    const find = '#slider [data-testid=slider]';
    const dress = () => {
        const handle = document.querySelector(find);
        if (!handle || handle.tabIndex === 0) return;
        handle.tabIndex = 0;
        const told = {role: 'slider', 'aria-label': 'Border between left and right picture', 'aria-valuemin': 0,
            'aria-valuemax': 100, 'aria-valuenow': 50};
        Object.entries(told).forEach(([name, value]) => handle.setAttribute(name, value));
    };
    new MutationObserver(dress).observe(document.body, {childList: true, subtree: true});
    document.addEventListener('keydown', event => {
        const handle = event.target.closest?.(find);
        const step = {ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1}[event.key];
        if (!handle || !step) return;
        event.preventDefault();
        const image = document.querySelector('#slider img').getBoundingClientRect();
        const line = handle.querySelector('.inner'), bar = line.getBoundingClientRect();
        const now = (bar.left + bar.width / 2 - image.left) / image.width;
        const next = Math.min(Math.max(now + step, 0), 1);
        const mouse = {bubbles: true, cancelable: true, view: window, clientX: image.left + next * image.width,
            clientY: image.top + image.height / 2};
        line.dispatchEvent(new MouseEvent('mousedown', mouse));
        window.dispatchEvent(new MouseEvent('mouseup', mouse));
        handle.setAttribute('aria-valuenow', Math.round(100 * next));
    });
    return [];
}
