import { describe, expect, it } from 'vitest';
import { filesNamedBy, filesOfSuite, needsOf } from '../../scripts/test-suites.mjs';

describe('filesOfSuite', () => {
  const files = [
    'a.test.ts',
    'a.e2e.test.ts',
    'a.webgpu.test.ts',
    'a.browser.test.ts',
    'a.webgpu.browser.test.ts',
  ].flatMap((name) => [name, name.replace('a.', 'a.long.')]);
  const webgpu = 'test/**/*.webgpu.test.ts';
  const browser = 'test/**/*.browser.test.ts';
  const projects = [
    { include: 'test/**/*.test.ts', exclude: [webgpu, browser] },
    { include: webgpu, exclude: [] },
    { include: browser, exclude: [] },
  ];
  /** As vitest matches, for globs of the form that is used here. */
  const matches = (glob: string, file: string): boolean =>
    new RegExp(`^${glob.replaceAll('.', '\\.').replace('**/', '').replaceAll('*', '[^/]*')}$`).test(
      `test/${file}`,
    );
  const run = (suite: string): string[] =>
    projects.flatMap((project) => {
      const { include, exclude } = filesOfSuite(project.include, project.exclude, suite);
      return files.filter(
        (file) => include.some((glob) => matches(glob, file)) && !exclude.some((glob) => matches(glob, file)),
      );
    });

  it('runs each file in one suite and one project, and all of them where no suite is named', () => {
    const [short, long] = [run('default'), run('long')];
    expect(short.toSorted()).toEqual(files.filter((file) => !file.includes('.long.')).toSorted());
    expect(long.toSorted()).toEqual(files.filter((file) => file.includes('.long.')).toSorted());
    expect(run('all').toSorted()).toEqual(files.toSorted());
  });
});

describe('filesNamedBy', () => {
  it('finds the files whose path contains an argument', () => {
    expect(filesNamedBy(['test/scripts/test-suites'])?.join()).toMatch(/test-suites\.test\.ts$/);
    expect(filesNamedBy(['test-suites.test.ts:12'])).toHaveLength(1);
    expect(filesNamedBy(['test/losses', '--reporter=verbose'])?.length).toBeGreaterThan(3);
  });

  it('leaves options to vitest', () => {
    expect(filesNamedBy([])).toBeUndefined();
    expect(filesNamedBy(['-t', 'no file is called this'])).toBeUndefined();
  });
});

describe('needsOf', () => {
  it('is nothing for tests of plain code', () => {
    expect(needsOf(filesNamedBy(['test/losses']))).toEqual({ webgpu: false, chromium: false });
  });

  it('is a device for WebGPU tests in Node, and a browser for pages', () => {
    expect(needsOf(['/p/test/a.long.webgpu.test.ts'])).toEqual({ webgpu: true, chromium: false });
    expect(needsOf(['/p/test/a.webgpu.browser.test.ts'])).toEqual({ webgpu: false, chromium: true });
    expect(needsOf(['/p/test/a.long.e2e.test.ts'])).toEqual({ webgpu: false, chromium: true });
    expect(needsOf(['/p/test/host/browser/a.test.ts'])).toEqual({ webgpu: false, chromium: true });
  });

  it('is all of it for the whole suite', () => {
    expect(needsOf()).toEqual({ webgpu: true, chromium: true });
  });
});
