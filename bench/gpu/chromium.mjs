// @ts-check
/** The second archive: Chromium with its libraries, and the built page. It unpacks into the folder of the first. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { writeArchiveInParts } from './archive.mjs';
import { workFolder } from './assemble.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Where distributions put the program; what is on the PATH is a script that starts it. */
const programs = [
  '/usr/lib/chromium/chromium',
  '/usr/lib/chromium-browser/chromium-browser',
  '/opt/google/chrome/chrome',
];
const files = [
  'resources.pak',
  'chrome_100_percent.pak',
  'icudtl.dat',
  'v8_context_snapshot.bin',
  'snapshot_blob.bin',
  'locales/en-US.pak',
].concat(['libEGL.so', 'libGLESv2.so', 'libvulkan.so.1', 'libvk_swiftshader.so', 'vk_swiftshader_icd.json']);
/** The C library, which the programs must share with the machine. */
const ofMachine = /^(ld-linux.*|lib(c|m|dl|pthread|rt|resolv|util)\.so\..*)$/;
const font = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf';

/** @returns {string} the folder */
export function assembleChromium() {
  const program = [process.env.CHROMIUM_PATH ?? '', ...programs].find(
    (path) => path !== '' && existsSync(path),
  );
  if (program === undefined)
    throw new Error('There is no Chromium. Set CHROMIUM_PATH to its program (not a script).');
  const source = dirname(realpathSync(program));
  const folder = join(workFolder, 'with-chromium', 'retriever-studio-gpu');
  rmSync(folder, { recursive: true, force: true });
  const chromium = join(folder, 'chromium');
  mkdirSync(join(chromium, 'lib'), { recursive: true });
  cpSync(realpathSync(program), join(chromium, 'chromium'));
  chmodSync(join(chromium, 'chromium'), 0o755);
  for (const file of files)
    if (existsSync(join(source, file))) cpSync(join(source, file), join(chromium, file));
  // NSS loads its modules by name, so that nothing lists them.
  const modules = ['/usr/lib/x86_64-linux-gnu/nss', '/usr/lib/x86_64-linux-gnu']
    .filter((path) => existsSync(path))
    .flatMap((path) =>
      readdirSync(path)
        .filter((name) => /^lib(softokn3|freebl3|freeblpriv3|nssckbi)\.so$/.test(name))
        .map((name) => join(path, name)),
    );
  for (const path of [...modules, ...libraries([program, ...modules])]) {
    cpSync(path, join(chromium, 'lib', basename(path)), { dereference: true });
  }
  if (existsSync(font)) cpSync(font, join(chromium, 'fonts', basename(font)));
  writeFileSync(
    join(chromium, 'fonts.conf'),
    '<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n',
  );
  cpSync(fileURLToPath(new URL('parts-page.json', import.meta.url)), join(folder, 'parts-page.json'));
  return folder;
}

/**
 * What programs and libraries need of this machine, the C library apart.
 * @param {readonly string[]} paths
 */
function libraries(paths) {
  const found = new Set();
  for (const path of paths) {
    for (const [, library = ''] of execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(
      /=> (\/\S+)/g,
    )) {
      if (!ofMachine.test(basename(library))) found.add(library);
    }
  }
  return found;
}

/** @param {string} folder */
async function buildPages(folder) {
  process.env.NODE_ENV = 'production';
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'warn',
    build: {
      outDir: join(folder, 'page'),
      emptyOutDir: true,
      rollupOptions: { input: [join(root, 'index.html'), join(root, 'bench/gpu/page/steps.html')] },
    },
  });
}

/**
 * @param {string} out
 * @returns {Promise<readonly { readonly file: string, readonly bytes: number }[]>} its parts
 */
export async function packChromium(out) {
  const folder = assembleChromium();
  await buildPages(folder);
  return writeArchiveInParts(folder, join(out, 'retriever-studio-gpu-page.tar.xz'));
}
