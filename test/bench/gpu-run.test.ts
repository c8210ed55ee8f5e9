import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArchive, writeArchiveInParts } from '../../bench/gpu/archive.mjs';
import { describeUnless } from '../support/skip.ts';

const folder = fileURLToPath(new URL('../../bench/gpu', import.meta.url));
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']);
const noPython =
  process.platform !== 'linux'
    ? 'the GPU benchmark runs on Linux'
    : python.status === 0
      ? undefined
      : 'no Python: install Python 3.8 or newer as python3';

interface Result {
  readonly what: string;
  readonly on: string;
  readonly value?: number | string;
  readonly skipped?: string;
  readonly failed?: string;
  readonly software?: boolean;
}
interface Document {
  readonly software: boolean;
  readonly seconds: number;
  readonly parts: readonly {
    readonly name: string;
    readonly seconds: number;
    readonly limit: number;
    readonly outcome: string;
    readonly results: readonly Result[];
  }[];
}

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'gpu-run-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A program of a part: Python statements. */
function program(on: string, statements: string, more: object = {}): object {
  return {
    seconds: 5,
    on,
    command: ['{python}', '-c', `import json, os, sys, time\n${statements}`, '{small}'],
    ...more,
  };
}
const line = (value: object): string => `print(${JSON.stringify(JSON.stringify(value))}, flush=True)`;

/** Runs the benchmark with parts of our own. */
function run(
  name: string,
  table: readonly object[],
  args: readonly string[] = [],
): { document: Document; markdown: string; printed: string; status: number | null } {
  const out = join(work, name);
  mkdirSync(out);
  const parts = join(out, 'parts.json');
  writeFileSync(parts, JSON.stringify(table));
  const command = [join(folder, 'run.py'), '--table', parts, '--out', out, ...args];
  const { status, stdout, stderr } = spawnSync('python3', command, { encoding: 'utf8' });
  if (!existsSync(join(out, 'results.json'))) throw new Error(stderr);
  return {
    document: JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Document,
    markdown: readFileSync(join(out, 'results.md'), 'utf8'),
    printed: stdout + stderr,
    status,
  };
}
const adapter = (description: string): string =>
  [
    line({ adapter: { description, type: 'discrete GPU' } }),
    line({ what: 'adapter', on: 'Vulkan', value: description }),
  ].join('\n');
const webGpuSpeed = {
  name: 'speed',
  seconds: 10,
  speed: true,
  programs: [
    program('WebGPU', `print(json.dumps({"what": "steps", "on": "WebGPU", "value": len(sys.argv)}))`, {
      needs: 'webgpu',
    }),
    program('PyTorch', line({ what: 'steps', on: 'PyTorch', value: 3.25, unit: 'steps/s' })),
  ],
};

describeUnless(noPython, 'bench/gpu/run.py', () => {
  it('ends a part that hangs, with all it started, keeps what it printed, and goes on', () => {
    const child = join(work, 'child');
    const { document, markdown, status } = run('hang', [
      {
        name: 'hangs',
        seconds: 2,
        programs: [
          program(
            'WebGPU',
            `${line({ what: 'before', on: 'WebGPU', value: 1234.6, unit: 'ms', note: 'random | weights' })}
import subprocess
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(${JSON.stringify(child)}, "w").write(str(started.pid))
time.sleep(60)`,
            { seconds: 2 },
          ),
        ],
      },
      {
        name: 'fails',
        seconds: 5,
        programs: [program('WebGPU', 'print("first", file=sys.stderr)\nsys.exit("the device was lost")')],
      },
      { name: 'dies', seconds: 5, programs: [program('WebGPU', 'os.kill(os.getpid(), 11)')] },
      {
        name: 'prints garbage',
        seconds: 5,
        programs: [program('WebGPU', 'print("not JSON")\nprint("[1, 2]")\nprint("{}")')],
      },
      { name: 'is missing', seconds: 5, programs: [{ seconds: 5, on: 'Node', command: ['/nowhere/node'] }] },
      {
        name: 'succeeds',
        seconds: 5,
        programs: [program('CPU', line({ what: 'rate', on: 'CPU', value: 0.12345, unit: 'TFLOP/s' }))],
      },
    ]);
    expect(status).toBe(0);
    expect(document.parts.map(({ outcome }) => outcome)).toEqual([
      'WebGPU ran past its limit of 2 s',
      'WebGPU failed: the device was lost',
      'WebGPU failed: ended by SIGSEGV',
      `WebGPU failed: it printed no result but 'not JSON'`,
      expect.stringContaining('Node failed: it could not be started'),
      'done',
    ]);
    expect(document.parts[0]?.results).toEqual([
      { what: 'before', on: 'WebGPU', value: 1234.6, unit: 'ms', note: 'random | weights' },
      { what: 'hangs', on: 'WebGPU', failed: 'ran past its limit of 2 s' },
    ]);
    expect(markdown.split('\n').slice(4, 9)).toEqual([
      '| part | seconds of | what | on | figure | remarks |',
      '| --- | --- | --- | --- | --- | --- |',
      expect.stringMatching(
        /^\| hangs \| 2(\.\d)? of 2 \| before \| WebGPU \| 1235 ms \| random \\\| weights \|$/,
      ),
      '|  |  | hangs | WebGPU | – | ran past its limit of 2 s |',
      expect.stringContaining('| fails |'),
    ]);
    expect(markdown).toContain('| rate | CPU | 0.123 TFLOP/s |  |');
    // A process that was killed and not yet waited for is a zombie, if it is still there.
    const stat = `/proc/${readFileSync(child, 'utf8')}/stat`;
    if (existsSync(stat)) expect(readFileSync(stat, 'utf8')).toMatch(/\) [ZX] /);
  });

  it('refuses software adapters for speed, and says so, but still computes the rest', () => {
    const device = {
      name: 'device',
      seconds: 5,
      programs: [program('Vulkan', adapter('llvmpipe (LLVM 15.0.6, 256 bits)'))],
    };
    const correctness = {
      name: 'correctness',
      seconds: 5,
      programs: [
        program('WebGPU', line({ what: 'golden', on: 'WebGPU', value: 'right' }), { needs: 'webgpu' }),
      ],
    };
    const { document } = run('refused', [device, correctness, webGpuSpeed]);
    const [, golden, speed] = document.parts;
    expect(golden?.results[0]?.value).toBe('right');
    expect(speed?.results[0]?.skipped).toContain('refused: llvmpipe (LLVM 15.0.6, 256 bits) is software');
    expect(speed?.results[1]?.value).toBe(3.25);

    const trial = run('allowed', [device, correctness, webGpuSpeed], ['--allow-software']);
    expect(trial.document.software).toBe(true);
    // The program is told to be small.
    expect(trial.document.parts[2]?.results[0]).toMatchObject({ value: 2, software: true });
    expect(trial.markdown).toContain('**Software, small sizes: no information about speed.**');
    expect(trial.markdown).toContain('| 3.25 steps/s | software, small sizes: no information about speed |');

    const real = { name: 'device', seconds: 5, programs: [program('Vulkan', adapter('NVIDIA A10'))] };
    const measured = run('real', [real, webGpuSpeed], ['--allow-software']);
    expect(measured.document.software).toBe(false);
    expect(measured.document.parts[1]?.results[0]).toEqual({ what: 'steps', on: 'WebGPU', value: 1 });
  });

  it('passes on what the first part found out: the environment, and why there is no WebGPU', () => {
    const { document } = run('found', [
      {
        name: 'device',
        seconds: 5,
        programs: [
          program('Vulkan', line({ environment: { VK_DRIVER_FILES: '/found/here.json' } })),
          program(
            'Node',
            `${line({ webgpu: { works: false, reason: 'No supported adapters' } })}
print(json.dumps({"what": "driver", "on": "Node", "value": os.environ["VK_DRIVER_FILES"]}))`,
          ),
        ],
      },
      webGpuSpeed,
    ]);
    expect(document.parts[0]?.results.at(-1)?.value).toBe('/found/here.json');
    expect(document.parts[1]?.results[0]?.skipped).toBe('no WebGPU: No supported adapters');
    expect(document.parts[1]?.results[1]?.value).toBe(3.25);
  });

  it('runs the parts that are asked for, within the limit of all', () => {
    const quick = (name: string): object => ({
      name,
      seconds: 5,
      programs: [program('CPU', line({ what: name, on: 'CPU', value: 1 }))],
    });
    const slow = { name: 'slow', seconds: 60, programs: [program('CPU', 'time.sleep(60)', { seconds: 60 })] };
    const { document } = run('total', [quick('device'), slow, quick('late')], ['--total', '5']);
    expect(document.parts.map(({ outcome }) => outcome)).toEqual([
      'done',
      expect.stringContaining('CPU ran past its limit of'),
      'not started: the limit of 5 s for all parts was reached',
    ]);
    const chosen = run('chosen', [quick('device'), slow, quick('late')], ['--parts', 'late']);
    expect(chosen.document.parts.map(({ name }) => name)).toEqual(['device', 'late']);
    const command = [join(folder, 'run.py'), '--parts', 'nothing', '--out', work];
    const wrong = spawnSync('python3', command, { encoding: 'utf8' });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/^no part is named nothing\. Choose from: device, correctness, /);
  });

  it('tells software from GPUs by what an adapter calls itself', () => {
    const names = [
      'llvmpipe (LLVM 15.0.6, 256 bits)',
      'SwiftShader Device (Subzero)',
      'Microsoft Basic Render Driver',
      'NVIDIA H100 80GB HBM3',
      'AMD Radeon RX 7900 XTX (RADV NAVI31)',
      'Intel(R) Arc(tm) A770 Graphics (DG2)',
      'Apple M3',
    ];
    const code =
      'import json, sys, vulkan; print(json.dumps([vulkan.is_software(name) for name in sys.argv[1:]]))';
    const { stdout } = spawnSync('python3', ['-c', code, ...names], { cwd: folder, encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual([true, true, true, false, false, false, false]);
  });
});

const noTools =
  process.platform === 'linux' && spawnSync('xz', ['--version']).status === 0
    ? undefined
    : 'the archive is made on Linux with xz: install xz-utils';

describeUnless(noTools, 'the archive of the GPU benchmark', () => {
  it('is refused above its limit, and is the same bytes for the same files', async () => {
    const source = join(work, 'source');
    mkdirSync(source);
    const noise = Uint8Array.from({ length: 5000 }, (_, i) => (Math.imul(i * i, 2654435761) >>> 13) & 255);
    writeFileSync(join(source, 'noise'), noise);
    const xz = ['-0'];
    const [first, second] = [join(work, 'a.tar.xz'), join(work, 'b.tar.xz')];
    const bytes = await writeArchive(source, first, { xz });
    await writeArchive(source, second, { xz });
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);

    const large = join(work, 'large.tar.xz');
    await expect(writeArchive(source, large, { xz, limit: bytes - 1 })).rejects.toThrow(
      /^large\.tar\.xz: .* are more than the /,
    );
    expect(readdirSync(work).filter((name) => name.startsWith('large'))).toEqual([]);

    const parts = await writeArchiveInParts(source, large, { xz, limit: 1000 });
    expect(parts.every(({ bytes: size }) => size <= 1000)).toBe(true);
    const joined = Buffer.concat(parts.map(({ file }) => readFileSync(file)));
    expect(joined.equals(readFileSync(first))).toBe(true);
  });
});

describe('the table of the GPU benchmark', () => {
  it('has programs for each part that fit its limit, eight minutes without what comes last', () => {
    const table = JSON.parse(readFileSync(join(folder, 'parts.json'), 'utf8')) as {
      name: string;
      seconds: number;
      programs: { seconds: number; command: string[] }[];
    }[];
    for (const { name, seconds, programs } of table) {
      expect(
        programs.reduce((sum, each) => sum + each.seconds, 0),
        name,
      ).toBe(seconds);
      for (const { command } of programs) {
        const [, file = ''] = command;
        const source = file.replace('{parts}/', 'parts/').replace(/\.js$/, '.ts');
        expect(existsSync(join(folder, source)), source).toBe(true);
      }
    }
    expect(table.slice(0, -1).reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThanOrEqual(480);
  });
});
