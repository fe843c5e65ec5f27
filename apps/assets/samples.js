element.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button) trigger('click', {simulated: button.dataset.simulated === 'yes', index: +button.dataset.index});
});
