const STAGES = ['', 'I', 'II', 'III'];
const find = selector => element.querySelector(selector);
const all = selector => [...element.querySelectorAll(selector)];
const number = (value, digits = 3) => value.toFixed(digits).replace('-', '\u2212');
const signed = (value, digits = 3) => (value < 0 ? '' : '+') + number(value, digits);

// Pictures of one kind stand below one another in a single image: a step moves it, and nothing is loaded.
const show = (name, image, row, rows) => all(`[data-picture="${name}"]`).forEach(box => {
    if (box.dataset.source !== image) {
        box.dataset.source = image;
        box.style.backgroundImage = `url(${image})`;
        box.style.backgroundSize = `100% ${rows * 100}%`;
    }
    box.style.backgroundPosition = `0 ${rows > 1 ? row * 100 / (rows - 1) : 0}%`;
});

const pixels = async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    return context;
};

// Grey values: of noise 42.5 for one standard deviation, of an error `scale` times as much for each kept value.
const drawErrors = (sheet, x, y, side, noise, scale, predictedBox, errorBox) => {
    const error = sheet.getImageData(x, y, side, side).data;
    const draw = (box, value) => {
        const canvas = find(`[data-canvas="${box}"]`);
        if (canvas.width !== side) canvas.width = canvas.height = side;
        const context = canvas.getContext('2d'), picture = context.createImageData(side, side);
        for (let place = 0; place < 4 * side * side; place += 4) {
            const grey = Math.max(0, Math.min(255, value(place)));
            picture.data.set([grey, grey, grey, 255], place);
        }
        context.putImageData(picture, 0, 0);
    };
    draw(predictedBox, place => noise[place] + scale * (error[place] - 128));
    draw(errorBox, place => 128 + 2 * scale * (error[place] - 128));
};

const NS = 'http://www.w3.org/2000/svg';
const chart = (svg, {x, y, xTicks, yTicks, xTitle, yTitle}) => {
    const left = 54, right = 16, top = 8, bottom = 34, width = 460, height = 220;
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.replaceChildren();
    const px = value => left + (value - x[0]) / (x[1] - x[0]) * (width - left - right);
    const py = value => height - bottom - (value - y[0]) / (y[1] - y[0]) * (height - top - bottom);
    const add = (name, attributes, text) => {
        const node = document.createElementNS(NS, name);
        for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
        if (text !== undefined) node.textContent = text;
        svg.append(node);
        return node;
    };
    xTicks.forEach(value => {
        add('line', {class: 'grid', x1: px(value), x2: px(value), y1: top, y2: height - bottom});
        add('text', {x: px(value), y: height - bottom + 14, 'text-anchor': 'middle'}, value);
    });
    yTicks.forEach(value => {
        add('line', {class: 'grid', x1: left, x2: width - right, y1: py(value), y2: py(value)});
        add('text', {x: left - 5, y: py(value) + 4, 'text-anchor': 'end'}, value);
    });
    add('text', {x: (left + width - right) / 2, y: height - 4, 'text-anchor': 'middle'}, xTitle);
    add('text', {x: 11, y: (top + height - bottom) / 2, 'text-anchor': 'middle',
        transform: `rotate(-90 11 ${(top + height - bottom) / 2})`}, yTitle);
    const line = (xs, ys) => xs.map((value, place) => `${place ? 'L' : 'M'}${px(value).toFixed(1)} ${
        py(Math.max(y[0], Math.min(y[1], ys[place]))).toFixed(1)}`).join('');
    return {add, line, px, py, top, bottom: height - bottom};
};
const ticks = (low, high, step) => {
    const found = [];
    for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) found.push(+value.toFixed(6));
    return found;
};
const spread = values => [Math.min(...values), Math.max(...values)];

const start = async data => {
    const {steps, headStart, meters, spectra, switches, quality, names, colours: VARIANT} = data;
    const count = steps.length, variants = Object.keys(meters);

    // Charts that the time slider moves.
    let curves = null, history = null;
    {
        const [low, high] = spread([data.targetSpectrum, data.referenceSpectrum, ...variants.flatMap(v => spectra[v])]
            .flat());
        const axes = chart(find('[data-chart="spectrum"]'), {x: [0, 0.5], y: [Math.floor(low / 10) * 10, high + 2],
            xTicks: ticks(0, 0.5, 0.1), yTicks: ticks(Math.floor(low / 10) * 10, high + 2, 10),
            xTitle: 'frequency / cycles per pixel', yTitle: 'power / dB'});
        axes.add('path', {class: 'curve', stroke: '#888', 'stroke-dasharray': '2 3',
            d: axes.line(data.frequency, data.targetSpectrum)});
        axes.add('path', {class: 'curve', stroke: 'currentColor', 'stroke-dasharray': '6 4',
            d: axes.line(data.frequency, data.referenceSpectrum)});
        curves = Object.fromEntries(variants.map(v =>
            [v, axes.add('path', {class: 'curve', stroke: VARIANT[v] || '#888'})]));
        curves.axes = axes;
    }
    {
        const [low, high] = spread(variants.flatMap(v => meters[v].target_psnr));
        const axes = chart(find('[data-chart="history"]'), {x: [steps[0], steps[count - 1]],
            y: [Math.floor(low), Math.ceil(high)], xTicks: steps.filter((_, place) => place % 2 === 0),
            yTicks: ticks(Math.floor(low), Math.ceil(high), 1), xTitle: 'training step', yTitle: 'PSNR / dB'});
        variants.forEach(v => axes.add('path', {class: 'curve', stroke: VARIANT[v] || '#888',
            d: axes.line(steps, meters[v].target_psnr)}));
        axes.cursor = axes.add('line', {class: 'cursor', y1: axes.top, y2: axes.bottom});
        history = axes;
    }
    const scales = Object.fromEntries(names.meters.map(name =>
        [name, Math.max(1e-6, ...variants.flatMap(v => meters[v][name].map(Math.abs)))]));

    // Pixels of the predictions; those of a variant are read when it is first asked for.
    const noise = (await pixels(data.pictures.noise)).getImageData(0, 0, data.shown, data.shown).data;
    const sheets = {};
    const sheet = variant => sheets[variant] ??= pixels(switches[variant].errors);
    const worse = await pixels(quality.errors);

    const time = find('[data-control="step"]');
    const chosen = name => find(`input[data-control="${name}"]:checked`).value;
    const showTime = () => {
        const at = +time.value, phase = steps[at] < headStart ? 'head start: the diffusion network learns alone'
            : steps[at] === headStart ? 'end of the head start; from here both learn' : 'both learn together';
        const text = `step ${steps[at]} of ${steps[count - 1]}`;
        time.setAttribute('aria-valuetext', `${text}, ${phase}`);
        find('[data-text="step"]').textContent = text;
        find('[data-text="phase"]').textContent = phase;
        history.cursor.setAttribute('x1', history.px(steps[at]));
        history.cursor.setAttribute('x2', history.px(steps[at]));
        variants.forEach(v => {
            show(`${v} source`, data.pictures[v].source, at, count);
            show(`${v} target`, data.pictures[v].target, at, count);
            const row = name => meters[v][name][at];
            find(`[data-text="${v} source"]`).textContent = `${number(row('source_psnr'), 2)} dB`;
            find(`[data-text="${v} target"]`).textContent = `${number(row('target_psnr'), 2)} dB`;
            const stage = row('stage');
            find(`[data-stage="${v}"]`).setAttribute('aria-label', `stage ${STAGES[stage]} of III`);
            all(`[data-stage="${v}"] span`).forEach((box, place) =>
                box.classList.toggle('on', place + 1 === stage));
            all(`[data-strip="${v}"] span`).forEach((box, place) => box.classList.toggle('now', place === at));
            names.meters.forEach(name => {
                const box = find(`[data-meter="${v} ${name}"]`);
                box.firstElementChild.style.width = `${100 * Math.max(0, row(name)) / scales[name]}%`;
                box.lastElementChild.textContent = number(row(name), 3);
            });
            curves[v].setAttribute('d', curves.axes.line(data.frequency, spectra[v][at]));
        });
        return showSwitches();
    };

    let asked = 0;
    const showSwitches = async () => {
        const mine = ++asked, at = +time.value, variant = chosen('variant');
        const kinds = names.choices, source = kinds.indexOf(chosen('source')), target = kinds.indexOf(chosen('target'));
        const order = +chosen('order');
        const context = await sheet(variant);
        if (mine !== asked) return;
        const side = data.shown, rows = count * kinds.length, set = switches[variant];
        show('condition source', set.source, at * kinds.length + source, rows);
        show('condition target', set.target, at * kinds.length + target, rows);
        find('[data-order]').classList.toggle('swapped', order === 1);
        find('[data-text="first"]').textContent = order ? 'real' : 'synthetic';
        const column = (order * kinds.length + source) * kinds.length + target;
        drawErrors(context, column * side, at * side, side, noise, data.errorScale, 'predicted', 'error');
        const {mean, rise, low, high} = set, pick = table => table[at][order][source][target];
        const base = mean[at][0][0][0];
        find('[data-text="error"]').textContent = number(pick(mean));
        find('[data-text="base"]').textContent = number(base);
        const unchanged = !source && !target && !order;
        find('[data-text="rise"]').textContent = unchanged ? 'nothing switched' :
            `${signed(pick(rise))} (95 % interval ${signed(pick(low))} to ${signed(pick(high))})`;
        const most = Math.max(...mean.flat(3));
        find('[data-bar="error"]').style.width = `${100 * pick(mean) / most}%`;
        find('[data-bar="base"]').style.width = `${100 * base / most}%`;
    };

    // Fig. 1(a).
    const sigma = find('[data-control="sigma"]');
    const top = Math.max(...quality.high) * 1.05, grid = top > 0.2 ? 0.1 : top > 0.1 ? 0.05 : 0.02;
    const axes = chart(find('[data-chart="quality"]'), {x: [0, quality.levels.at(-1)], y: [0, top],
        xTicks: ticks(0, quality.levels.at(-1), 20), yTicks: ticks(0, top, grid),
        xTitle: 'noise sigma of the condition / 8-bit units', yTitle: 'noise-prediction MSE'});
    const back = [...quality.levels].reverse();
    axes.add('path', {class: 'band', d: axes.line(quality.levels, quality.low)
        + axes.line(back, [...quality.high].reverse()).replace('M', 'L') + 'Z'});
    axes.add('path', {class: 'curve', stroke: '#0072b2', d: axes.line(quality.levels, quality.mean)});
    const dot = axes.add('circle', {class: 'dot', r: 6});
    const showQuality = () => {
        const at = +sigma.value, level = quality.levels[at];
        sigma.setAttribute('aria-valuetext', `sigma ${level}, error ${number(quality.mean[at], 4)}`);
        find('[data-text="sigma"]').textContent = `sigma ${level}`;
        dot.setAttribute('cx', axes.px(level));
        dot.setAttribute('cy', axes.py(quality.mean[at]));
        show('quality', quality.conditions, at, quality.levels.length);
        drawErrors(worse, 0, at * data.shown, data.shown, noise, data.errorScale, 'quality predicted', 'quality error');
        find('[data-text="quality"]').textContent = `${number(quality.mean[at], 4)} (95 % interval ${
            number(quality.low[at], 4)} to ${number(quality.high[at], 4)})`;
        find('[data-text="quality picture"]').textContent = number(quality.picture[at], 4);
    };

    // Play: one step after another, to the end.
    const play = find('[data-control="play"]');
    let timer = null;
    const stop = () => { clearInterval(timer); timer = null; play.textContent = 'Play'; };
    play.addEventListener('click', () => {
        if (timer) return stop();
        if (+time.value === count - 1) time.value = 0;
        play.textContent = 'Pause';
        showTime();
        timer = setInterval(() => {
            if (!element.isConnected || +time.value === count - 1) return stop();
            time.value = +time.value + 1;
            showTime();
        }, 700);
    });
    time.addEventListener('input', () => { stop(); showTime(); });
    sigma.addEventListener('input', showQuality);
    element.addEventListener('change', event => { if (event.target.type === 'radio') showSwitches(); });
    await showTime();
    showQuality();
    element.querySelector('.ex').dataset.ready = 'yes';
};

element.addEventListener('click', async event => {
    const link = event.target.closest('[data-notebook]');
    if (!link) return;
    event.preventDefault();
    const text = await server.notebook(link.dataset.notebook);
    const address = URL.createObjectURL(new Blob([text], {type: 'application/x-ipynb+json'}));
    const save = Object.assign(document.createElement('a'), {href: address, download: link.dataset.notebook});
    save.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
});
// The recording is sent when the tab is first seen, not with the page.
if (find('.ex')) new IntersectionObserver(async (entries, observer) => {
    if (!entries.some(entry => entry.isIntersecting)) return;
    observer.disconnect();
    try {
        await start(await server.recording());
    } catch (error) {
        find('[data-text="waiting"]').textContent = 'The recording could not be shown; load the page again.';
        throw error;
    }
}).observe(element);
