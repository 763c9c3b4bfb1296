// The charts' options: what they have in common, and one function for each kind of chart.
import uPlot from 'uplot';
import { count, duration, short } from './format';
import type { Bin } from './series';

type Color = (name: string) => string;
type Options = Omit<uPlot.Options, 'width' | 'height'>;

const AXIS_FONT = '11px system-ui, sans-serif';
const utc = (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');

// Distances between ticks of the time axis: nothing is measured more finely than a minute.
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440, 2880].map((minutes) => minutes * 60);

function axes(color: Color, value: (v: number) => string): uPlot.Axis[] {
  const common: uPlot.Axis = {
    stroke: color('--text-3'),
    font: AXIS_FONT,
    grid: { stroke: color('--chart-grid'), width: 1 },
    ticks: { show: false },
  };
  return [
    { ...common, grid: { show: false }, size: 26, gap: 4, incrs: STEPS_S, values: clock },
    { ...common, size: 54, gap: 4, splits: undefined, values: (_u, splits) => splits.map(value) } as uPlot.Axis,
  ];
}

/** Ticks of the time axis: hour and minute, the day where it changes. */
function clock(_u: uPlot, splits: number[]): string[] {
  let day = '';
  return splits.map((seconds) => {
    const text = new Date(seconds * 1000).toISOString();
    const [date, time] = [text.slice(5, 10), text.slice(11, 16)];
    const first = day !== '' && date !== day;
    day = date;
    return first ? date : time;
  });
}

/** The minute that is pointed at, or `otherwise` while none is. */
const at = (otherwise: string) => (_u: uPlot, seconds: number | null): string =>
  seconds === null ? otherwise : new Date(seconds * 1000).toISOString().slice(11, 16);

// A chart of one minute, or of the same value all along, needs room around it to be seen.
const timeRange: uPlot.Range.Function = (u, min, max) => {
  const times = u.data[0];
  let step = Number.POSITIVE_INFINITY;
  for (let row = 1; row < times.length; row += 1) {
    step = Math.min(step, (times[row] ?? 0) - (times[row - 1] ?? 0));
  }
  const half = Number.isFinite(step) ? step / 2 : 30;
  return [(min ?? 0) - half, (max ?? 60) + half];
};
const fromZero: uPlot.Range.Function = (_u, _min, max) => [0, Math.max(max ?? 0, 0.001) * 1.12];

/** Requests a minute as bars, those answered with an error drawn over them. */
export function traffic(color: Color): Options {
  const bars = uPlot.paths.bars?.({ size: [0.72, 44], align: 0 });
  const series = (label: string, name: string, back?: number): uPlot.Series => ({
    label,
    stroke: color(name),
    fill: color(name),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
    // Bars lie over each other; what is told is each part by itself.
    value: (u, _v, index, row) => {
      const part = (at: number) =>
        (u.data[index]?.[at] ?? 0) - (back === undefined ? 0 : (u.data[index + back]?.[at] ?? 0));
      if (row !== null) return count(part(row));
      // Nothing is pointed at: the whole time shown.
      return short((u.data[0] as number[]).reduce((sum, _, minute) => sum + part(minute), 0));
    },
  });
  return {
    tzDate: utc,
    padding: [6, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: true, range: timeRange }, y: { range: fromZero } },
    axes: axes(color, (v) => (Number.isInteger(v) ? short(v) : '')),
    series: [
      { label: 'Minute', value: at('all') },
      series('Requests', '--chart-1'),
      series('4xx', '--chart-2', 1),
      series('5xx', '--chart-3'),
    ],
  };
}

/** Latency a minute: median and 99th percentile. */
export function latency(color: Color): Options {
  const line = (label: string, name: string): uPlot.Series => ({
    label,
    stroke: color(name),
    width: 1.75,
    points: { show: (u) => (u.data[0]?.length ?? 0) < 40, size: 5, fill: color(name) },
    value: (u, v, index, row) => {
      const latest = row === null ? (u.data[index] as (number | null)[]).findLast((one) => one !== null) : v;
      return latest === null || latest === undefined ? '' : duration(latest);
    },
  });
  return {
    tzDate: utc,
    padding: [6, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, range: timeRange }, y: { range: fromZero } },
    axes: axes(color, (v) => duration(v)),
    series: [{ label: 'Minute', value: at('latest') }, line('p50', '--chart-1'), line('p99', '--chart-3')],
  };
}

/** A distribution over steps of equal ratio, with its percentiles marked. */
export function distribution(
  bins: Bin[],
  marks: { name: string; position: number }[],
  unit: (v: number) => string,
): (color: Color) => Options {
  return (color) => {
    const bars = uPlot.paths.bars?.({ size: [0.88, 30], align: 0 });
    const [x, y] = axes(color, (v) => (Number.isInteger(v) ? short(v) : ''));
    const edge = (index: number) => unit(bins[index]?.to ?? 0);
    return {
      padding: [16, 10, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [-0.7, Math.max(bins.length, 6) - 0.3] },
        y: { range: fromZero },
      },
      axes: [
        {
          ...x,
          space: 62,
          incrs: [1, 2, 4, 8, 16],
          values: (_u, splits) => splits.map((v) => (bins[v] === undefined ? '' : edge(v))),
        },
        { ...y },
      ],
      series: [
        {
          label: 'Between',
          value: (_u, v) => (v === null ? 'all' : `${unit(bins[v]?.from ?? 0)} – ${edge(v)}`),
        },
        {
          label: 'Exchanges',
          stroke: color('--chart-4'),
          fill: color('--chart-4'),
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
          value: (_u, v) => count(v ?? bins.reduce((sum, bin) => sum + bin.count, 0)),
        },
      ],
      hooks: { draw: [(u) => drawMarks(u, marks, color)] },
    };
  };
}

function drawMarks(u: uPlot, marks: { name: string; position: number }[], color: Color): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = color('--text-2');
  ctx.fillStyle = color('--text-2');
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  let taken = Number.NEGATIVE_INFINITY;
  for (const { name, position } of marks) {
    const x = Math.round(u.valToPos(position, 'x', true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Names that would lie over each other are left out; the line stays.
    if (x - taken > 28 * ratio) {
      ctx.fillText(name, x, bbox.top - 4 * ratio);
      taken = x;
    }
  }
  ctx.restore();
}
