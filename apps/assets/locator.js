// Pictures report a click as shares of the whole, a drag as shares of the crop, keys as steps.
const send = (box, event) => trigger('click', {
    x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height});
element.addEventListener('click', event => {
    const area = event.target.closest('.wb-locator');
    if (area) send(area.getBoundingClientRect(), event);
});
element.addEventListener('keydown', event => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!step || !event.target.closest('.wb-locator')) return;
    event.preventDefault();
    trigger('input', {dx: 0.5 * step[0], dy: 0.5 * step[1]});
});
