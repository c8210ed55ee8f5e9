// @ts-check
/** The long tasks of a page's main thread, from a trace of Chromium. */

/** Milliseconds. */
const long = 50;

/**
 * @typedef {{ name: string, ph: string, ts: number, dur?: number, tdur?: number, pid: number, tid: number, args?: any }} TraceEvent
 * @typedef {{ phase: string, wall: number, processor: number, causes: string }} LongTask
 */

/** What a trace has to hold. */
export const categories = [
  'toplevel',
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'blink.user_timing',
  'v8',
];

/**
 * @param {Buffer} trace
 * @param {readonly string[]} marks names of `performance.mark` in their order: each begins a phase of its name with
 * the task that sets it
 * @returns {LongTask[]} tasks of over 50 ms, with their time on the processor, which other processes do not lengthen
 */
export function longTasks(trace, marks) {
  /** @type {TraceEvent[]} */
  const events = JSON.parse(trace.toString()).traceEvents;
  const firstMark = events.find(({ name }) => name === marks[0]);
  if (firstMark === undefined) throw new Error(`The trace has no mark ${String(marks[0])}.`);
  const { pid, tid } = firstMark;
  const own = events.filter((event) => event.pid === pid && event.tid === tid);
  const starts = marks.flatMap((mark) => own.filter(({ name }) => name === mark).slice(0, 1));
  const parts = own.filter(({ ph, dur }) => ph === 'X' && dur !== undefined);
  const tasks = parts.filter(({ name, dur = 0 }) => name === 'RunTask' && dur > 1000 * long);
  return tasks.map((task) => {
    const end = task.ts + (task.dur ?? 0);
    const phase = starts.findLast(({ ts }) => ts <= end)?.name ?? 'load';
    return {
      phase,
      wall: (task.dur ?? 0) / 1000,
      processor: (task.tdur ?? task.dur ?? 0) / 1000,
      causes: causesOf(parts.filter(({ ts, dur = 0 }) => ts >= task.ts && ts + dur <= end)),
    };
  });
}

/**
 * The largest parts of a task by their own time on the processor.
 * @param {TraceEvent[]} within the task itself and all parts of it
 */
function causesOf(within) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  /** @type {{ event: TraceEvent, own: number }[]} */
  const open = [];
  const close = () => {
    const done = open.pop();
    if (done === undefined) return;
    const name = nameOf(done.event);
    sums.set(name, (sums.get(name) ?? 0) + done.own);
  };
  const sorted = within.sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  for (const event of sorted) {
    for (
      let last = open.at(-1);
      last && last.event.ts + (last.event.dur ?? 0) <= event.ts;
      last = open.at(-1)
    )
      close();
    const time = event.tdur ?? event.dur ?? 0;
    const parent = open.at(-1);
    if (parent !== undefined) parent.own -= time;
    open.push({ event, own: time });
  }
  while (open.length > 0) close();
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([name, time]) => `${name} ${(time / 1000).toFixed(0)}`)
    .join(', ');
}

/** @param {TraceEvent} event */
function nameOf({ name, args }) {
  const data = args?.data ?? {};
  const file =
    String(data.url ?? '')
      .split('/')
      .at(-1) ?? '';
  if (name === 'FunctionCall')
    return `${String(data.functionName || 'function')} (${file}:${String(data.lineNumber)}:${String(data.columnNumber)})`;
  return file === '' ? name : `${name} (${file})`;
}

/**
 * A line for each phase.
 * @param {readonly LongTask[]} tasks
 * @param {readonly string[]} phases
 */
export function phaseLines(tasks, phases) {
  return phases.map((phase) => {
    const of = tasks.filter((task) => task.phase === phase);
    const busy = of.filter(({ processor }) => processor > long).length;
    if (of.length === 0) return `${phase}: no task above ${long} ms`;
    const longest = of.reduce((a, b) => (b.processor > a.processor ? b : a));
    return (
      `${phase}: ${of.length} tasks above ${long} ms, ${busy} of them on the processor; the longest ` +
      `${longest.wall.toFixed(0)} ms, ${longest.processor.toFixed(0)} ms on the processor: ${longest.causes}`
    );
  });
}
