import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProcessIo } from '../../src/cli/io.ts';
import { formatDuration } from '../../src/cli/progress.ts';

function capture(terminal: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  const stream = Object.assign(new PassThrough(), terminal);
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { stream, text: () => text };
}

function openIo(terminal?: { readonly isTTY?: boolean; readonly columns?: number }) {
  const stdout = capture();
  const stderr = capture(terminal);
  return { io: new ProcessIo(stdout.stream, stderr.stream), stdout, stderr };
}

/** What stands on the lines, without cursor movements; going back to the first column starts a new line. */
const linesOf = (text: string) =>
  text
    .replaceAll('\x1b[1G', '\n')
    .replace(/\x1b(\[[\d;?]*[A-Za-z]|[78])/g, '')
    .split(/[\r\n]+/);

afterEach(() => {
  vi.useRealTimers();
});

describe('ProcessIo', () => {
  it('keeps results, notes and JSON apart', () => {
    const { io, stdout, stderr } = openIo();
    io.print('result');
    io.printJson({ unseen: true });
    io.warn('odd');
    expect([stdout.text(), stderr.text()]).toEqual(['result\n', 'warning: odd\n']);
  });

  // ESC, BEL, a C1 control, the direction turned, a second line.
  const hostile = 'a\x1b[2Jb\x07c\x9bd\u202ee\nf';
  const written = 'a\\u{1b}[2Jb\\u{7}c\\u{9b}d\\u{202e}e\\u{a}f';

  it('writes out what could do something to a terminal', () => {
    vi.useFakeTimers();
    const { io, stdout, stderr } = openIo();
    io.print(hostile);
    io.note(hostile);
    io.warn(hostile);
    const progress = io.progress(hostile, 10, 'steps');
    vi.advanceTimersByTime(20_000);
    progress.update(5, hostile);
    progress.stop();
    expect(stdout.text()).toBe(`${written}\n`);
    expect(stderr.text()).toBe(`${written}\nwarning: ${written}\n${written}: 5/10 steps, ${written}\n`);
  });

  it('writes it out in a bar, too', () => {
    const { io, stderr } = openIo({ isTTY: true, columns: 200 });
    const progress = io.progress(hostile, 10, 'steps');
    progress.update(10, hostile);
    io.note(hostile);
    progress.stop();
    expect(stderr.text()).toContain(written);
    expect(stderr.text()).not.toMatch(/\x1b\[2J|\x07|\x9b|\u202e/);
  });

  it('prints JSON that reads as the same value and does nothing to a terminal', () => {
    const { io, stdout } = openIo();
    io.json = true;
    io.printJson({ [hostile]: [hostile, '\u{e0001}'] });
    expect(stdout.text()).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(stdout.text())).toEqual({ [hostile]: [hostile, '\u{e0001}'] });
  });

  it('prints one object and nothing else under --json', () => {
    const { io, stdout } = openIo();
    io.json = true;
    io.print('unseen');
    io.printJson({ value: [1, null] });
    expect(stdout.text()).toBe('{"value":[1,null]}\n');
    expect(() => io.printJson({})).toThrow(/one JSON object/);
  });

  it('without a terminal prints a line now and then, with rate and time left', () => {
    vi.useFakeTimers();
    const { io, stderr } = openIo();
    const progress = io.progress('training', 100, 'steps');
    // A resumed training starts at 40: its rate is that of the steps made now.
    for (let step = 40; step <= 70; step++) {
      progress.update(step, `loss ${step}`);
      vi.advanceTimersByTime(1000);
    }
    progress.stop();
    expect(stderr.text()).toBe(
      'training: 55/100 steps, 1.00 steps/s, 45 s left, loss 55\n' +
        'training: 70/100 steps, 1.00 steps/s, 30 s left, loss 70\n',
    );
  });

  it('draws a bar on a terminal, cut to its width, with notes above it', () => {
    vi.useFakeTimers();
    const { io, stderr } = openIo({ isTTY: true, columns: 60 });
    const progress = io.progress('encoding', 200, 'texts');
    progress.update(0);
    vi.advanceTimersByTime(1000);
    progress.update(100, 'a detail that does not fit on the line');
    vi.advanceTimersByTime(1000);
    io.note('a note');
    vi.advanceTimersByTime(1000);
    progress.update(150);
    progress.stop();
    progress.stop();
    io.note('done');
    const lines = linesOf(stderr.text());
    for (const line of lines) expect(line.length, line).toBeLessThan(60);
    expect(lines).toContainEqual(expect.stringMatching(/^encoding █{12}░{12} 50% 100\/200 texts, 100 te$/));
    expect(lines).toContainEqual(expect.stringMatching(/75% 150\/200 texts/));
    expect(stderr.text()).toContain('\r\x1b[Ka note\n');
    expect(stderr.text().endsWith('\ndone\n')).toBe(true);
    expect(stderr.text()).not.toContain('does not fit on the line');
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [185, '3 min 5 s'],
    [7860, '2 h 11 min'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
