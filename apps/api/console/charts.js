import { count, counted } from './format.js';
import { html } from './html.js';

const states = ['proved', 'swept', 'sweeping', 'left', 'planned'];
const names = {
  proved: 'proved',
  swept: 'to be proved',
  sweeping: 'held by a worker',
  left: 'left by one',
  planned: 'not begun',
};

/** What most concerns a cell: a range in work before one that waits, and proved only when all are. */
const stateOf = ({ ranges, itemsFailed, waitingFor }) => {
  if (waitingFor !== null) return 'waiting';
  const worst = ['sweeping', 'left', 'swept', 'planned'].find((state) => ranges[state] > 0) ?? 'proved';
  return worst === 'proved' && itemsFailed > 0 ? 'aside' : worst;
};

/** The ranges of each table, a cell each (or of neighbours), in the order of record ids. */
export function Strip({ cells }) {
  const byTarget = Map.groupBy(cells, ({ target }) => target);
  return html`${[...byTarget].map(([target, own]) => {
    const sums = states.map((state) => [state, own.reduce((sum, { ranges }) => sum + ranges[state], 0)]);
    const text = sums
      .filter(([, n]) => n > 0)
      .map(([state, n]) => `${count(n)} ${names[state]}`)
      .join(', ');
    return html`<figure class="strip"><figcaption><b>${target}</b> <span>${text}</span></figcaption>
      <div role="img" aria-label=${`Ranges of ${target}: ${text}`}>${own.map(
        (cell) =>
          html`<i class=${stateOf(cell)} title=${`${counted(cell.items, 'record')}, ${count(cell.itemsRotated)} re-encrypted`}></i>`,
      )}</div></figure>`;
  })}
  <p class="legend">${['proved', 'swept', 'sweeping', 'left', 'planned', 'aside', 'waiting'].map(
    (state) =>
      html`<span><i class=${state}></i>${names[state] ?? { aside: 'proved, some set aside', waiting: 'waits' }[state]}</span>`,
  )}</p>`;
}

/** Records per second over time, with marks where it waited. */
export function Rate({ samples }) {
  if (samples.length < 2)
    return html`<p class="empty">Too short for a curve: one point a second is kept.</p>`;
  const [width, height] = [800, 120];
  const [begin, end] = [Date.parse(samples[0].at), Date.parse(samples.at(-1).at)];
  const top = Math.max(1, ...samples.map(({ itemsPerSecond }) => itemsPerSecond));
  const x = (/** @type {string} */ at) => ((Date.parse(at) - begin) / Math.max(1, end - begin)) * width;
  const y = (/** @type {number} */ rate) => height - (rate / top) * (height - 6);
  const points = samples.map(
    ({ at, itemsPerSecond }) => `${x(at).toFixed(1)},${y(itemsPerSecond).toFixed(1)}`,
  );
  // Each mark reaches to the next point: what waits for long is one area, not stripes.
  const waits = samples.flatMap(({ at, waitingFor }, nth) =>
    waitingFor === null ? [] : [{ from: x(at), to: x(samples[nth + 1]?.at ?? at) }],
  );
  return html`<figure class="rate">
    <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${`Records per second, ${count(Math.round(top))} at most`}>
      ${waits.map(({ from, to }) => html`<rect class="mark" x=${from} y="0" width=${Math.max(3, to - from)} height=${height} />`)}
      <polygon class="area" points=${`0,${height} ${points.join(' ')} ${width},${height}`} />
      <polyline class="line" points=${points.join(' ')} vector-effect="non-scaling-stroke" />
    </svg>
    <figcaption>at most ${count(Math.round(top))} records/s; shaded where it waited</figcaption>
  </figure>`;
}

/** @param {{ages: {daysBelow: number | null, keys: number}[]}} props */
export function Histogram({ ages }) {
  const most = Math.max(1, ...ages.map(({ keys }) => keys));
  return html`<ol class="histogram">${ages.map(
    ({ daysBelow, keys }, at) => html`<li>
    <span class="bar-name">${daysBelow === null ? `${ages[at - 1]?.daysBelow ?? 0} days and older` : `under ${counted(daysBelow, 'day')}`}</span>
    <span class="bar"><i class="done" style=${{ flexGrow: keys / most }}></i><i class="none" style=${{ flexGrow: 1 - keys / most }}></i></span>
    <span class="n">${counted(keys, 'key')}</span></li>`,
  )}</ol>`;
}

/** When each phase began and how long it took. */
export function Phases({ phases }) {
  const all = Math.max(
    1,
    phases.reduce((sum, { durationMs }) => sum + durationMs, 0),
  );
  return html`<div class="phases" aria-hidden="true">${phases.map(
    ({ phase, durationMs }) =>
      html`<i class=${phase} style=${{ flexGrow: Math.max(durationMs / all, 0.01) }} title=${phase}></i>`,
  )}</div>`;
}
