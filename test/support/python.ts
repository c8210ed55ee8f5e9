/** A Python with the libraries that golden values come from: the one that `$STUDIO_PYTHON` names. */
import { execFileSync } from 'node:child_process';

const program = process.env.STUDIO_PYTHON ?? '';

/** Why tests that need these modules are skipped; undefined where the Python of `$STUDIO_PYTHON` has them. */
export function pythonLacks(...modules: readonly string[]): string | undefined {
  if (program === '')
    return 'STUDIO_PYTHON is not set; it names a Python with the packages of test/oracle/requirements.txt';
  const probe = `import importlib.util as u,sys;print(",".join(m for m in sys.argv[1:] if u.find_spec(m) is None))`;
  try {
    const lacking = execFileSync(program, ['-c', probe, ...modules], { encoding: 'utf8' }).trim();
    return lacking === '' ? undefined : `${program} (STUDIO_PYTHON) has no ${lacking}`;
  } catch {
    return `${program} (STUDIO_PYTHON) cannot be run`;
  }
}

/** Runs a script and returns what it prints. */
export function runPython(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
}
