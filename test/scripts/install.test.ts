import { beforeEach, describe, expect, it, vi } from 'vitest';
import { installChromium } from '../../scripts/install.mjs';

/** A machine that notes what it is asked to run; what matches `fails` does. */
function machine(isRoot: boolean, hasApt: boolean, fails = /$^/) {
  const commands: string[] = [];
  const run = (command: string, args: string[]): { status: number } => {
    const line = [command, ...args].join(' ');
    commands.push(line);
    return { status: fails.test(line) ? 1 : 0 };
  };
  return { machine: { run, isRoot, hasApt }, commands };
}

describe('the installation of a Chromium for the tests', () => {
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
  });

  it('takes the packages of the system where it may', () => {
    const { machine: root, commands } = machine(true, true);
    expect(installChromium(root)).toBeUndefined();
    expect(commands).toEqual([
      'apt-get update -qq',
      'apt-get install -y -qq --no-install-recommends chromium libvulkan1',
    ]);
  });

  it.each([
    ['who is not root', false, true],
    ['who is root on a system without apt', true, false],
  ])("takes Playwright's own for somebody %s", (_, isRoot, hasApt) => {
    const { machine: user, commands } = machine(isRoot, hasApt);
    expect(installChromium(user)).toBeUndefined();
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/playwright.cli\.js install chromium$/);
  });

  it("takes Playwright's own where the system's packages are out of reach", () => {
    const { machine: root, commands } = machine(true, true, /^apt-get install/);
    expect(installChromium(root)).toBeUndefined();
    expect(commands.at(-1)).toMatch(/playwright.cli\.js install chromium$/);
  });

  it('says what to do by hand where nothing works', () => {
    const { machine: user } = machine(false, true, /playwright/);
    const remedy = installChromium(user);
    expect(remedy).toContain('apt-get install chromium libvulkan1');
    expect(remedy).toContain('CHROMIUM_PATH');
  });
});
