// Pictures report a click as shares of the whole, a drag as shares of the crop, keys as steps.
let start = null;
const images = () => element.querySelectorAll('.wb-window img');
element.addEventListener('pointerdown', event => {
    const area = event.target.closest('.wb-window');
    if (!area || event.button) return;
    start = {x: event.clientX, y: event.clientY, box: area.getBoundingClientRect()};
    area.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', event => {
    if (!start) return;
    const move = `translate(${event.clientX - start.x}px, ${event.clientY - start.y}px)`;
    images().forEach(image => { image.style.transform = move; });
});
element.addEventListener('pointercancel', () => {
    start = null;
    images().forEach(image => { image.style.transform = ''; });
});
element.addEventListener('pointerup', event => {
    if (!start) return;
    const {x, y, box} = start;
    start = null;
    const dx = (x - event.clientX) / box.width, dy = (y - event.clientY) / box.height;
    const still = Math.hypot(event.clientX - x, event.clientY - y) < 4;
    if (still) images().forEach(image => { image.style.transform = ''; });
    trigger('input', still
        ? {dx: (x - box.left) / box.width - 0.5, dy: (y - box.top) / box.height - 0.5} : {dx, dy});
});
