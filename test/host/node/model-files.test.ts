import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FetchProgress } from '../../../src/host/contract.ts';
import { InputError } from '../../../src/core/errors.ts';
import { openModelFiles, type ModelFilesOptions } from '../../../src/host/node/model-files.ts';
import { HubServer, type Misbehavior } from './hub-server.ts';

let scratch: string;
let server: HubServer;
const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'model-files-'));
  // Not the one of whoever runs the tests.
  vi.stubEnv('HF_HUB_CACHE', join(scratch, 'no-hugging-face-cache'));
  server = new HubServer();
  server.add('config.json', '{"model_type": "bert"}');
  server.add('tokenizer.json', '{}');
  server.add('1_Pooling/config.json', '{"pooling_mode": "mean"}');
  server.add('model.safetensors', weights, true);
  server.add('pytorch_model.bin', 'a pickle', true);
  server.add('onnx/model_quantized.onnx', 'a graph', true);
  await server.start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  rmSync(scratch, { recursive: true });
});

function open(
  model: string,
  options: ModelFilesOptions = {},
  onProgress?: (progress: FetchProgress) => void,
): ReturnType<ReturnType<typeof openModelFiles>['open']> {
  const defaults = {
    endpoint: server.endpoint,
    cacheFolder: join(scratch, 'cache'),
    retryMs: 1,
    stallMs: 1000,
  };
  return openModelFiles({ ...defaults, ...options }).open(model, onProgress);
}

async function readWeights(options?: ModelFilesOptions): Promise<Buffer> {
  return Buffer.from(await (await open('org/model', options)).read('model.safetensors'));
}

function leftovers(): string[] {
  return readdirSync(scratch, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('partial'),
  );
}

/** How much of what was sent before the connection broke arrives is up to the network. */
function withoutStart(range: string | undefined): string | undefined {
  return range?.replace(/^bytes=[1-9]\d*-$/, 'rest');
}

describe('a model from the hub', () => {
  it('fetches a file when it is read, once, and names the model as the user did', async () => {
    const folder = await open('org/model@refs/pr/1');
    expect(folder.name).toBe('org/model@refs/pr/1');
    expect(server.requests).toHaveLength(1);
    expect(new TextDecoder().decode(await folder.read('config.json'))).toContain('bert');
    await folder.read('config.json');
    expect(server.ranges('config.json')).toHaveLength(1);
    expect(Buffer.from(await folder.read('1_Pooling/config.json'))).toEqual(
      server.files.get('1_Pooling/config.json')?.bytes,
    );
    expect(server.ranges('model.safetensors')).toEqual([]);
  });

  it('reports progress', async () => {
    const seen: FetchProgress[] = [];
    const folder = await open('org/model', {}, (progress) => seen.push(progress));
    expect(Buffer.from(await folder.read('model.safetensors')).equals(weights)).toBe(true);
    const file = 'org/model/model.safetensors';
    expect(seen[0]).toEqual({ file, receivedBytes: 0, totalBytes: 300_000 });
    expect(seen.at(-1)).toEqual({ file, receivedBytes: 300_000, totalBytes: 300_000 });
  });

  it('shows and fetches only files that a model is read from', async () => {
    const folder = await open('org/model');
    expect(await folder.has('model.safetensors')).toBe(true);
    expect(await folder.has('onnx/model_quantized.onnx')).toBe(false);
    await expect(folder.read('onnx/model_quantized.onnx')).rejects.toThrow(InputError);
    await expect(folder.read('../../secret')).rejects.toThrow(InputError);
  });

  it('keeps what it fetched for the next time, also without a connection', async () => {
    await readWeights();
    await server.stop();
    expect((await readWeights({ offline: true })).equals(weights)).toBe(true);
    const asked = await open('org/model');
    expect(Buffer.from(await asked.read('model.safetensors')).equals(weights)).toBe(true);
    await expect(asked.read('tokenizer.json')).rejects.toThrow(
      /^org\/model\/tokenizer\.json: .* could not be reached.*HF_ENDPOINT/,
    );
    await expect(open('org/other')).rejects.toThrow(/^org\/other: .* could not be reached/);
  });

  it('asks for nothing where it may not, not even for a file of a model that it knows', async () => {
    await (await open('org/model')).read('config.json');
    const before = server.requests.length;
    const folder = await open('org/model', { offline: true });
    await expect(folder.read('model.safetensors')).rejects.toThrow(
      /^org\/model\/model\.safetensors: the model is not in the cache.*offline/,
    );
    expect(server.requests).toHaveLength(before);
  });

  it('asks nothing again for a commit', async () => {
    await (await open(`org/model@${server.commit}`)).read('config.json');
    const before = server.requests.length;
    await (await open(`org/model@${server.commit}`)).read('config.json');
    expect(server.requests).toHaveLength(before);
  });

  it('sends the token to the named host alone', async () => {
    await readWeights({ token: 'secret' });
    const bearers = server.requests.map(({ host, headers }) => [host.split(':')[0], headers.authorization]);
    expect(bearers).toContainEqual(['127.0.0.1', 'Bearer secret']);
    expect(bearers).toContainEqual(['localhost', undefined]);
    expect(bearers).not.toContainEqual(['localhost', 'Bearer secret']);
  });

  const half = weights.length / 2;
  const cut: Misbehavior = (request, response, file) => {
    const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    const total = file?.bytes.length ?? 0;
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': total - start,
      'content-range': `bytes ${start}-${total - 1}/${total}`,
    });
    response.write(file?.bytes.subarray(start, start + half / 2), () => response.destroy());
    return true;
  };
  const stall: Misbehavior = (_, response, file) => {
    response.writeHead(200, { 'content-length': file?.bytes.length ?? 0 });
    response.write(file?.bytes.subarray(0, half));
    return true;
  };
  const status =
    (code: number, headers: Record<string, string> = {}): Misbehavior =>
    (_, response) => {
      response.writeHead(code, headers).end('no');
      return true;
    };
  const ignoreRange: Misbehavior = (_, response, file) => {
    response.writeHead(200, { 'content-length': file?.bytes.length ?? 0 }).end(file?.bytes);
    return true;
  };
  const wrongRange: Misbehavior = (_, response, file) => {
    response.writeHead(206, { 'content-range': `bytes 5-9/${file?.bytes.length ?? 0}` }).end('12345');
    return true;
  };
  const tooShort: Misbehavior = (_, response, file) => {
    response.writeHead(200).end(file?.bytes.subarray(0, 1000));
    return true;
  };
  const corrupt: Misbehavior = (_, response, file) => {
    const bytes = Buffer.from(file?.bytes ?? '');
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  };
  const silent: Misbehavior = () => true;

  it.each<[string, Misbehavior[], (string | undefined)[]]>([
    ['breaks off twice', [cut, cut], [undefined, 'rest', 'rest']],
    ['stalls', [stall], [undefined, 'rest']],
    ['never answers', [silent], [undefined, undefined]],
    [
      'errs',
      [status(500), status(503, { 'retry-after': '0' }), status(429)],
      [undefined, undefined, undefined, undefined],
    ],
    ['breaks off, then ignores Range', [cut, ignoreRange], [undefined, 'rest']],
    ['breaks off, then sends another range', [cut, wrongRange], [undefined, 'rest', undefined]],
    ['breaks off, then knows no ranges', [cut, status(416)], [undefined, 'rest', undefined]],
    ['ends early without a length', [tooShort], [undefined, 'rest']],
    ['sends a flipped bit once', [corrupt], [undefined, undefined]],
  ])('gets the file from a server that %s', async (_, misbehaviors, ranges) => {
    server.misbehaviors = misbehaviors;
    expect((await readWeights({ stallMs: 300 })).equals(weights)).toBe(true);
    expect(server.ranges('model.safetensors').map(withoutStart)).toEqual(ranges);
    expect(leftovers()).toEqual([]);
  });

  it('goes on in a later call with what a failed one left', async () => {
    server.misbehaviors = [cut, ...Array.from({ length: 5 }, () => status(500))];
    await expect(readWeights()).rejects.toThrow(
      /could not be reached \(.* responded with status 500\).*downloads resume/,
    );
    expect(leftovers()).toHaveLength(1);
    expect((await readWeights()).equals(weights)).toBe(true);
    expect(withoutStart(server.ranges('model.safetensors').at(-1))).toBe('rest');
    expect(leftovers()).toEqual([]);
  });

  it('takes over what a killed process left, not what a living one writes', async () => {
    const folder = join(scratch, 'cache', `127.0.0.1_${server.port}`, 'org', 'model', server.commit);
    mkdirSync(folder, { recursive: true });
    const { hostname } = await import('node:os');
    const host = encodeURIComponent(hostname()).replaceAll('.', '%2E');
    const living = `model.safetensors.${host}.${process.ppid}.0.0.partial`;
    writeFileSync(join(folder, living), weights.subarray(0, 10));
    writeFileSync(
      join(folder, `model.safetensors.${host}.4194304.1.0.partial`),
      weights.subarray(0, 200_000),
    );
    expect((await readWeights()).equals(weights)).toBe(true);
    expect(server.ranges('model.safetensors')).toEqual(['bytes=200000-']);
    expect(leftovers().map((name) => name.split('/').at(-1))).toEqual([living]);
  });

  it('gives up on bytes that never match', async () => {
    server.misbehaviors = [corrupt, corrupt];
    await expect(readWeights()).rejects.toThrow(/does not match the hash listed by the hub/);
    expect(leftovers()).toEqual([]);
    server.lies.set('config.json', { blobId: '0'.repeat(40) });
    await expect((await open('org/model')).read('config.json')).rejects.toThrow(
      /does not match the hash listed by the hub/,
    );
    expect(
      existsSync(
        join(scratch, 'cache', `127.0.0.1_${server.port}`, 'org/model', server.commit, 'config.json'),
      ),
    ).toBe(false);
  });

  it('stops at the listed size', async () => {
    server.lies.set('model.safetensors', { size: 1000 });
    await expect(readWeights()).rejects.toThrow(/does not match the hash listed by the hub/);
  });

  it('refuses what the disk cannot hold before it fetches', async () => {
    server.lies.set('model.safetensors', { size: 2 ** 52 });
    await expect(readWeights()).rejects.toThrow(/needs \d+ MB, but only \d+ MB/);
    expect(server.ranges('model.safetensors')).toEqual([]);
  });

  it('fetches no config.json of 9 MiB, and a vocabulary of that size', async () => {
    const large = Buffer.alloc(9 * 2 ** 20, ' ');
    server.add('config.json', large);
    server.add('tokenizer.json', large);
    const folder = await open('org/model');
    const length = folder.read('config.json').then((bytes) => bytes.length);
    await expect(length).rejects.toThrow(
      /^org\/model\/config\.json: the file has 9 MiB, but the limit is 8 MiB\./,
    );
    expect(server.ranges('config.json')).toEqual([]);
    expect(await folder.read('tokenizer.json')).toHaveLength(large.length);
  });

  it('fetches a file once for two readers at a time', async () => {
    const [one, other] = await Promise.all([open('org/model'), open('org/model')]);
    await Promise.all([one.read('model.safetensors'), other.read('model.safetensors')]);
    expect(server.ranges('model.safetensors')).toHaveLength(1);
  });

  it.each<[string, { status: number; code?: string }, RegExp]>([
    [
      'a private or mistyped model',
      { status: 401, code: 'RepoNotFound' },
      /no such model, or it is private.*HF_TOKEN/,
    ],
    ['a model that is not there', { status: 404 }, /no such model/],
    [
      'a gated model',
      { status: 401, code: 'GatedRepo' },
      /Accept its terms at http.*org\/model, then set HF_TOKEN/,
    ],
    ['a forbidden model', { status: 403 }, /visitors without a token/],
    ['an odd status', { status: 418 }, /responded with status 418/],
  ])('explains %s', async (_, answer, message) => {
    server.listingStatus = answer;
    await expect(open('org/model')).rejects.toThrow(InputError);
    await expect(open('org/model')).rejects.toThrow(message);
    // A refusal is no reason to ask again.
    expect(server.requests).toHaveLength(2);
  });

  it('names an unknown revision', async () => {
    await expect(open('org/model@v9')).rejects.toThrow(/no revision "v9"/);
  });

  it('refuses a host that is no hub', async () => {
    await expect(open('org/other')).rejects.toThrow(/no such model/);
    await expect(open('org/model', { endpoint: 'ftp://x' })).rejects.toThrow(/not an http\(s\) address/);
    await expect(open('org/model', { endpoint: 'http://user:pw@x' })).rejects.toThrow(
      /not an http\(s\) address/,
    );
    await expect(open('org/model', { offline: true })).rejects.toThrow(/not in the cache.*offline/);
  });
});

describe('a model in the Hugging Face cache folder', () => {
  /** As huggingface_hub lays it out: snapshots of links to blobs, which are named by their hash. */
  function fill(hub: string, paths: readonly string[], commit = server.commit): string {
    const repository = join(hub, 'models--org--model');
    mkdirSync(join(repository, 'blobs'), { recursive: true });
    mkdirSync(join(repository, 'refs'), { recursive: true });
    writeFileSync(join(repository, 'refs', 'main'), commit);
    for (const path of paths) {
      const file = server.files.get(path);
      const bytes = file?.bytes ?? Buffer.alloc(0);
      const name = file?.lfs
        ? createHash('sha256').update(bytes).digest('hex')
        : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      const link = join(repository, 'snapshots', commit, ...path.split('/'));
      writeFileSync(join(repository, 'blobs', name), bytes);
      mkdirSync(join(link, '..'), { recursive: true });
      symlinkSync(join(...path.split('/').map(() => '..'), '..', 'blobs', name), link);
    }
    return repository;
  }

  /** Every path of a folder with what is there. */
  const contents = (folder: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path, readFileSync(path, 'base64')]),
    );

  const downloads = (): string[] =>
    server.requests.map(({ path }) => path).filter((path) => path.startsWith('/cdn/'));

  it.each([
    ['HF_HUB_CACHE', 'hub', ''],
    ['HF_HOME', 'hugging', 'hub'],
    ['XDG_CACHE_HOME', 'cache-home', 'huggingface/hub'],
    ['HOME', 'home', '.cache/huggingface/hub'],
  ])('is found by %s, told as found, and left as it is', async (variable, value, below) => {
    for (const name of ['HF_HUB_CACHE', 'HF_HOME', 'XDG_CACHE_HOME']) vi.stubEnv(name, undefined);
    vi.stubEnv(variable, join(scratch, value));
    const hub = join(scratch, value, below);
    fill(hub, ['config.json', '1_Pooling/config.json', 'model.safetensors']);
    const before = contents(hub);
    const seen: FetchProgress[] = [];
    const folder = await open('org/model', {}, (progress) => seen.push(progress));
    expect(Buffer.from(await folder.read('model.safetensors')).equals(weights)).toBe(true);
    expect(new TextDecoder().decode(await folder.read('1_Pooling/config.json'))).toContain('mean');
    expect(downloads()).toEqual([]);
    expect(seen.find(({ receivedBytes }) => receivedBytes === weights.length)).toEqual({
      file: 'org/model/model.safetensors',
      foundIn: 'the Hugging Face cache folder',
      receivedBytes: weights.length,
      totalBytes: weights.length,
    });
    expect(await folder.read('tokenizer.json')).toHaveLength(2);
    expect(downloads()).toEqual(['/cdn/tokenizer.json']);
    expect(contents(hub)).toEqual(before);
    expect(leftovers()).toEqual([]);
  });

  it.each<[string, (repository: string, link: string) => void]>([
    [
      'is damaged',
      (repository) => {
        for (const name of readdirSync(join(repository, 'blobs')))
          writeFileSync(join(repository, 'blobs', name), Buffer.alloc(weights.length, 7));
      },
    ],
    [
      'is cut short',
      (repository) => {
        for (const name of readdirSync(join(repository, 'blobs')))
          truncateSync(join(repository, 'blobs', name), 1000);
      },
    ],
    ['is a link to nothing', (repository) => rmSync(join(repository, 'blobs'), { recursive: true })],
    [
      'leads out of it',
      (_, link) => {
        writeFileSync(join(scratch, 'elsewhere'), weights);
        rmSync(link);
        symlinkSync(join(scratch, 'elsewhere'), link);
      },
    ],
    [
      'is a folder',
      (_, link) => {
        rmSync(link);
        mkdirSync(link);
      },
    ],
  ])('is not taken from there where the file %s', async (_, spoil) => {
    const hub = join(scratch, 'hub');
    vi.stubEnv('HF_HUB_CACHE', hub);
    const repository = fill(hub, ['model.safetensors']);
    spoil(repository, join(repository, 'snapshots', server.commit, 'model.safetensors'));
    expect((await readWeights()).equals(weights)).toBe(true);
    expect(downloads()).toEqual(['/cdn/model.safetensors']);
    expect(leftovers()).toEqual([]);
  });

  it('is taken of the commit that is asked for, and of no other', async () => {
    vi.stubEnv('HF_HUB_CACHE', join(scratch, 'hub'));
    fill(join(scratch, 'hub'), ['model.safetensors'], 'b'.repeat(40));
    await readWeights();
    expect(downloads()).toEqual(['/cdn/model.safetensors']);
  });

  it('is opened without a connection, as far as the folder tells what the model is', async () => {
    const hub = join(scratch, 'hub');
    vi.stubEnv('HF_HUB_CACHE', hub);
    const repository = fill(hub, ['config.json', 'model.safetensors']);
    await server.stop();
    const offline = { offline: true };
    await expect(open('org/model', offline)).rejects.toThrow(/not in the cache.*offline/);
    const missing = join(repository, '.no_exist', server.commit);
    mkdirSync(missing, { recursive: true });
    writeFileSync(join(missing, 'modules.json'), '');
    for (const [name, options] of [
      ['org/model', offline],
      [`org/model@${server.commit}`, offline],
      ['org/model', {}],
    ] as const) {
      const folder = await open(name, options);
      expect(await folder.has('modules.json')).toBe(false);
      expect(Buffer.from(await folder.read('model.safetensors')).equals(weights)).toBe(true);
    }
    await expect(open('org/model@other', offline)).rejects.toThrow(/not in the cache.*offline/);
    const blob = join(repository, 'blobs', createHash('sha256').update(weights).digest('hex'));
    writeFileSync(blob, Buffer.alloc(weights.length));
    rmSync(join(scratch, 'cache'), { recursive: true });
    await expect(readWeights(offline)).rejects.toThrow(/not in the cache.*offline/);
  });
});

describe('a model folder', () => {
  function folder(): string {
    const path = join(scratch, 'mine');
    mkdirSync(join(path, '1_Pooling'), { recursive: true });
    writeFileSync(join(path, 'config.json'), '{}');
    writeFileSync(join(path, '1_Pooling', 'config.json'), '[]');
    return path;
  }

  it('is read in place', async () => {
    const model = await open(folder());
    expect(model.name).toBe(join(scratch, 'mine'));
    expect(await model.has('config.json')).toBe(true);
    expect(await model.has('modules.json')).toBe(false);
    expect(await model.has('config.json/x')).toBe(false);
    expect(new TextDecoder().decode(await model.read('1_Pooling/config.json'))).toBe('[]');
    await expect(model.read('modules.json')).rejects.toThrow(/mine\/modules\.json: the file is missing/);
    await expect(model.read('1_Pooling')).rejects.toThrow(InputError);
    expect(server.requests).toEqual([]);
  });

  it.each(['../secret', '/etc/passwd', 'a/../../b', 'a\\b', '', './config.json', 'c:x'])(
    'never reads %j',
    async (path) => {
      const model = await open(folder());
      await expect(model.read(path)).rejects.toThrow(RangeError);
    },
  );

  it('reads no text file that is too large for one', async () => {
    const path = folder();
    writeFileSync(join(path, 'vocab.txt'), '');
    // Without blocks on the disk.
    truncateSync(join(path, 'vocab.txt'), 100 * 2 ** 30);
    const model = await open(path);
    await expect(model.read('vocab.txt')).rejects.toThrow(
      /mine\/vocab\.txt: the file has 100 GiB, but the limit is 64 MiB\./,
    );
  });

  it('follows links inside, and those of the Hugging Face cache, but none that leads out', async () => {
    const path = folder();
    writeFileSync(join(scratch, 'secret'), 'x');
    symlinkSync(join(scratch, 'secret'), join(path, 'vocab.txt'));
    symlinkSync('config.json', join(path, 'modules.json'));
    const model = await open(path);
    await expect(model.read('vocab.txt')).rejects.toThrow(/points outside the model folder/);
    expect(await model.read('modules.json')).toHaveLength(2);

    const snapshot = join(scratch, 'models--org--name', 'snapshots', 'abc');
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(scratch, 'models--org--name', 'blobs'));
    writeFileSync(join(scratch, 'models--org--name', 'blobs', '123'), 'blob');
    symlinkSync('../../blobs/123', join(snapshot, 'config.json'));
    expect(new TextDecoder().decode(await (await open(snapshot)).read('config.json'))).toBe('blob');
  });

  it.each([
    'nowhere',
    './nowhere/at/all',
    'a/b/c',
    '../x',
    'org/..',
    '.hidden/x',
    'org/model@',
    'org/model@../x',
    '',
  ])('refuses the name %j', async (name) => {
    await expect(open(name)).rejects.toThrow(InputError);
    expect(server.requests).toEqual([]);
  });

  it('refuses a file', async () => {
    await expect(open(join(folder(), 'config.json'))).rejects.toThrow(/a file, not a folder/);
  });
});
