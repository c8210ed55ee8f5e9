/** `npm run fuzz -- FORMAT|all`: see CONTRIBUTING.md. scripts/fuzz.mjs compiles and starts it. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { FuzzFormat } from './format.ts';
import { alone, fuzz, type FuzzOptions, type FuzzProgress, type FuzzReport } from './fuzz.ts';
import { isFault, makeInput } from './judge.ts';
import { LIMITS, type Limits } from './lane.ts';

const USAGE = `npm run fuzz -- FORMAT|all [--inputs N] [--seed S] [--from I] [--only I] [--file PATH] [--json]
  [--limit-seconds N] [--limit-mb N] [--faults FOLDER] [--formats MODULE]
npm run fuzz -- --list`;

/** @returns the exit code: 1 where there are faults, 2 for wrong arguments */
async function main(): Promise<number> {
  const given = readArguments();
  if (given === undefined) return 2;
  const { values, positionals } = given;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const formatsModule = pathToFileURL(values.formats).href;
  const { formats } = (await import(formatsModule)) as { formats: readonly FuzzFormat[] };
  if (values.list) {
    for (const { name, what, readers } of formats)
      console.log(`${name.padEnd(33)} ${what} (${readers.join(', ')})`);
    return 0;
  }
  const [name = ''] = positionals;
  const numbers = [values.inputs, values.seed, values.from, values.only ?? '0'].map(Number);
  const known = formats.find((format) => format.name === name);
  if (positionals.length !== 1 || (name !== 'all' && known === undefined) || !numbers.every(isCount)) {
    const problem =
      name === '' ? '' : name === 'all' || known ? 'A number is wrong. ' : `There is no format ${name}. `;
    console.error(`${problem}Use:\n${USAGE}`);
    return 2;
  }
  const [inputs = 0, seed = 0, from = 0, only = 0] = numbers;
  if (known === undefined) return everyFormat(formats, process.argv.slice(2), values.json);
  const limits: Limits = {
    seconds: Number(values['limit-seconds']),
    bytes: Number(values['limit-mb']) * 2 ** 20,
  };
  const options: FuzzOptions = {
    format: known,
    formats: formatsModule,
    seed,
    from,
    to: Math.max(from, inputs),
    folder: values.faults,
    limits,
    ...(!values.json && { onProgress: showProgress(known.name) }),
  };
  if (values.only !== undefined || values.file !== undefined) return readOne(options, only, values.file);
  const report = await fuzz(options);
  if (process.send) process.send(report);
  else show([report], values.json);
  return report.faults.length > 0 ? 1 : 0;
}

/** @returns undefined where they cannot be read, which is then said */
function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        inputs: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        from: { type: 'string', default: '0' },
        only: { type: 'string' },
        file: { type: 'string' },
        faults: { type: 'string', default: fileURLToPath(new URL('../../faults', import.meta.url)) },
        formats: { type: 'string', default: fileURLToPath(new URL('./formats/index.js', import.meta.url)) },
        'limit-seconds': { type: 'string', default: String(LIMITS.seconds) },
        'limit-mb': { type: 'string', default: String(LIMITS.bytes / 2 ** 20) },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nUse:\n${USAGE}`);
    return undefined;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** One input again, by its number or from a file. */
async function readOne(options: FuzzOptions, number: number, file: string | undefined): Promise<number> {
  const made = makeInput(options.format, options.seed, number);
  const { bytes, resealed, steps } =
    file === undefined ? made : { bytes: new Uint8Array(readFileSync(file)), resealed: false, steps: [file] };
  const verdict = await alone(options, bytes, resealed);
  console.log(`${bytes.length} bytes: ${steps.join(', ')}`);
  if (file === undefined) console.log(JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 2000))));
  console.log(isFault(verdict) ? `${verdict.kind}: ${verdict.detail}` : verdict);
  return isFault(verdict) ? 1 : 0;
}

/** Each format in a process of its own, whose peak memory is the format's. */
async function everyFormat(
  formats: readonly FuzzFormat[],
  given: readonly string[],
  asJson: boolean,
): Promise<number> {
  const reports: FuzzReport[] = [];
  let failed = false;
  for (const { name } of formats) {
    const child = fork(fileURLToPath(import.meta.url), given.with(given.indexOf('all'), name));
    child.on('message', (report) => void reports.push(report as FuzzReport));
    const [code] = (await once(child, 'exit')) as [number | null];
    failed ||= code !== 0;
    if (reports.at(-1)?.format !== name) console.error(`${name}: ended with code ${code} without a report`);
  }
  show(reports, asJson);
  return failed ? 1 : 0;
}

function showProgress(name: string): (progress: FuzzProgress) => void {
  const isTerminal = process.stderr.isTTY;
  let last = 0;
  return ({ done, total, faults, seconds }) => {
    if (!isTerminal && seconds - last < 30 && done < total) return;
    last = seconds;
    const rate = done / Math.max(0.001, seconds);
    const left = Math.ceil((total - done) / Math.max(1, rate));
    const line = `${name}: ${done} of ${total}, ${Math.round(rate)}/s, ${left} s left, ${faults} with a fault`;
    process.stderr.write(isTerminal ? `\r${line.padEnd(80)}${done >= total ? '\n' : ''}` : `${line}\n`);
  };
}

function show(reports: readonly FuzzReport[], asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(reports));
    return;
  }
  console.log('| format | inputs | accepted | refused | faults | inputs/s | peak MB |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { format, inputs, accepted, refused, faults, seconds, peakBytes } of reports) {
    const columns = [format, inputs, accepted, refused, faults.length, Math.round(inputs / seconds)];
    console.log(`| ${[...columns, Math.round(peakBytes / 1e6)].join(' | ')} |`);
  }
  for (const { format, faults, notRepeated } of reports) {
    if (notRepeated > 0) console.log(`${format}: ${notRepeated} inputs were over a limit once and not again`);
    for (const { kind, detail, count, repeat, file, bytes, minimizedBytes } of faults) {
      console.log(`\n${format}: ${kind} (${count} inputs): ${detail}`);
      console.log(`  ${repeat}\n  ${file} (${minimizedBytes} of ${bytes} bytes)`);
    }
  }
}

process.exitCode = await main();
