// Over the crops, whatever they show: one after the other in one place, or the same spot of all enlarged.
const PERIOD = 700, FACTOR = 3;
const crops = () => document.getElementById('crops');
const press = (name, on) => element.querySelector(`[data-tool=${name}]`).setAttribute('aria-pressed', on);
let timer = null, at = 0, magnify = false;

const still = () => {
    clearInterval(timer);
    timer = null;
    crops()?.querySelectorAll('.wb-grid').forEach(grid => delete grid.dataset.flicker);
    press('flicker', false);
};
const turn = () => {
    const grid = crops()?.querySelector('.wb-grid');
    if (!element.isConnected || !grid) return still();
    const figures = [...grid.querySelectorAll('figure')];
    grid.dataset.flicker = 'yes';
    figures.forEach((figure, place) => figure.classList.toggle('now', place === at % figures.length));
    at += 1;
};
const lenses = event => {
    const area = magnify && event.target.closest?.('#crops .wb-window');
    crops()?.querySelectorAll('.wb-window').forEach(window => {
        let lens = window.querySelector('.wb-lens');
        if (!area || event.buttons) return lens?.remove();
        if (!lens) lens = window.appendChild(Object.assign(document.createElement('span'), {className: 'wb-lens'}));
        const box = area.getBoundingClientRect(), image = window.querySelector('img');
        const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
        const [wide, high] = [image.clientWidth, image.clientHeight], half = 60;
        Object.assign(lens.style, {
            left: `${x * wide}px`, top: `${y * high}px`, backgroundImage: `url(${image.src})`,
            backgroundSize: `${FACTOR * wide}px ${FACTOR * high}px`,
            backgroundPosition: `${half - FACTOR * x * wide}px ${half - FACTOR * y * high}px`,
        });
    });
};
document.addEventListener('pointermove', lenses);
element.addEventListener('click', event => {
    const tool = event.target.closest('[data-tool]')?.dataset.tool;
    if (tool === 'flicker') {
        if (timer) return still();
        at = 0;
        turn();
        timer = setInterval(turn, PERIOD);
        press('flicker', true);
    } else if (tool === 'magnify') {
        magnify = !magnify;
        press('magnify', magnify);
    }
});
