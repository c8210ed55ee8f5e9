/** Capabilities of this machine, for `doctor`; nothing here throws if something is missing. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../core/errors.ts';

export interface Backends {
  /** The execution providers that this build of ONNX Runtime knows; some need additional libraries. */
  readonly names: readonly string[];
  readonly version: string;
}

/** ONNX Runtime's own account; an error's message where it cannot even be loaded. */
export async function onnxRuntimeBackends(): Promise<Backends | { readonly error: string }> {
  try {
    const { default: ort } = await import('onnxruntime-node');
    return {
      names: ort.listSupportedBackends().map(({ name }) => name),
      version: ort.env.versions.node ?? ort.env.versions.common,
    };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** The libraries that ONNX Runtime's CUDA provider consists of; empty where they were not installed. */
export function cudaProviderLibraries(): readonly string[] {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
    const folder = join(dirname(dirname(entry)), 'bin', 'napi-v6', process.platform, process.arch);
    return readdirSync(folder)
      .filter((name) => name.includes('onnxruntime_providers_cuda.'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

const probeMilliseconds = 60_000;

export type ProbeResult = { readonly works: true } | { readonly works: false; readonly reason: string };

/** The module that probes a device; compiled or not, it is in the same folder as this one. */
const deviceProbe = fileURLToPath(new URL(`device-probe${extname(import.meta.url)}`, import.meta.url));

/** Whether ONNX Runtime computes on a device, tried in a process of its own. */
export async function probeDevice(
  device: 'cpu' | 'webgpu' | 'cuda',
  probe = deviceProbe,
): Promise<ProbeResult> {
  const result = await runProgram(process.execPath, [probe, device], probeMilliseconds);
  if (result.code === 0) return { works: true };
  if (result.code !== null && result.stdout !== '') return { works: false, reason: oneLine(result.stdout) };
  const ending = result.timedOut
    ? `did not respond within ${probeMilliseconds / 1000} s`
    : `exited with ${result.signal ?? `code ${result.code}`}`;
  return { works: false, reason: oneLine(`the test process ${ending} ${result.stderr}`) };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 1000);
}

/** Names and memory of NVIDIA GPUs, as their driver tells; empty without one. */
export async function nvidiaGpus(): Promise<readonly string[]> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const result = await runProgram('nvidia-smi', query, 10_000);
  return result.code === 0 ? result.stdout.trim().split('\n') : [];
}

/** Bytes that may be written on the disk of a folder; undefined where the system does not tell. */
export async function freeDiskBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Chrome or Chromium: what the environment names, what is installed, what Playwright has fetched. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH ?? process.env.CHROME_PATH;
  const candidates = named === undefined ? [...installedBrowsers(), ...playwrightBrowsers()] : [named];
  return candidates.find(isExecutable);
}

function installedBrowsers(): readonly string[] {
  const { env, platform } = process;
  if (platform === 'darwin') {
    return ['Google Chrome', 'Chromium'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  }
  if (platform === 'win32') {
    return [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'));
  }
  const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

function playwrightBrowsers(): readonly string[] {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => name.startsWith('chromium-'))
    .flatMap((name) =>
      ['chrome-linux64', 'chrome-linux'].map((folder) => join(cache, name, folder, 'chrome')),
    );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

interface ProgramResult {
  /** Null if the program was ended by a signal or could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(program: string, args: readonly string[], milliseconds: number): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      // Without this folder the Vulkan loader complains about each instance that it makes.
      env: { XDG_RUNTIME_DIR: tmpdir(), ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, milliseconds);
    const finish = (code: number | null, signal: string | null): void => {
      clearTimeout(timer);
      resolve({ code, signal, timedOut, stdout, stderr });
    };
    child.on('error', () => finish(null, null));
    child.on('close', finish);
  });
}
