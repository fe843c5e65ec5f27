async text => {
    const box = document.querySelector('$box .wb-plot');
    if (!box || !text || box.drawn === text) return [];
    box.drawn = text;
    for (let wait = 0; !window.Plotly && wait < 200; wait++) await new Promise(resolve => setTimeout(resolve, 50));
    const figure = JSON.parse(text);
    // Under a finger its buttons would always show, and cover the legend.
    const displayModeBar = window.matchMedia('(hover: hover)').matches ? 'hover' : false;
    await window.Plotly.react(box, figure.data, figure.layout, {responsive: true, displaylogo: false, displayModeBar});
    return [];
}
