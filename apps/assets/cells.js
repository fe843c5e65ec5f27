element.addEventListener('click', event => {
    const cell = event.target.closest('button.wb-cell');
    if (cell) trigger('click', {index: +cell.dataset.line});
});
