import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectBadInput, runCli, temporaryFolder } from '../support/cli.ts';

describe('the command line', () => {
  it('prints help with every command, and the version', async () => {
    const help = await runCli(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/\n {2}eval /);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('gives every command --help and --json', async () => {
    const { stdout } = await runCli(['--help']);
    const commands = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm)].map(
      ([, name]) => name ?? '',
    );
    expect(commands).toEqual(expect.arrayContaining(['eval', 'compare']));
    for (const command of commands) {
      const help = await runCli([command, '--help']);
      expect(help, command).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain('--json');
    }
  });

  it('prints small numbers and other defaults as they are typed', async () => {
    const { stdout } = await runCli(['train', '--help']);
    const help = stdout.replace(/\s+/g, ' ');
    expect(help).toMatch(/--lr <rate> [^(]*\(default: 2e-5\)/);
    expect(help).toMatch(/--device <device> [^(]*\(default: auto\)/);
    expect(help).not.toMatch(/0\.0000|default: (\[|")/);
  });

  it('without a command shows help on standard error and fails', async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: retriever-studio/);
  });

  it.each([
    [['evl'], /^error: unknown command 'evl' \(Did you mean eval\?\)\. Run "retriever-studio --help"/],
    [['--qrels'], /^error: unknown option '--qrels'\. Run "retriever-studio --help"/],
  ])('explains %j', async (args, message) => {
    expectBadInput(await runCli(args), message);
  });

  it('shows the stack of an error only when asked to', async () => {
    const args = ['eval', '--qrels', 'none', '--run', 'none'];
    const cwd = temporaryFolder();
    expect((await runCli(args, { cwd })).stderr).not.toMatch(/\n\s+at /);
    expect((await runCli([...args, '--debug'], { cwd })).stderr).toMatch(/\n\s+at /);
    expect((await runCli(args, { cwd, env: { DEBUG: '1' } })).stderr).toMatch(/\n\s+at /);
  });
});
