import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../fuzz/format.ts';
import { file, folder, golden, imported } from './support.ts';

function utf16(text: string, isBig: boolean): Uint8Array {
  const bytes = new Uint8Array(2 + text.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xfeff, !isBig);
  for (let i = 0; i < text.length; i++) view.setUint16(2 + i * 2, text.charCodeAt(i), !isBig);
  return bytes;
}

describe('plain text', () => {
  it('has a text in each line', async () => {
    const { documents } = await imported(file('notes.txt', 'first note\r\n  second note \nthird'));
    expect(documents).toMatchObject([
      { _id: '1', title: '', text: 'first note' },
      { _id: '2', text: 'second note' },
      { _id: '3', text: 'third' },
    ]);
  });

  it('has a text in each paragraph where empty lines are between them', async () => {
    const { texts } = await imported(file('notes.txt', 'one\nmore of one\n\n\ntwo\n'));
    expect(texts).toEqual(['one\nmore of one', 'two']);
  });

  it('is one text if that is chosen', async () => {
    expect((await imported(file('notes.txt', 'one\n\ntwo'), { unit: 'file' })).texts).toEqual(['one\n\ntwo']);
  });

  it.each([
    ['UTF-8 with a byte order mark', utf8('\ufeffgrün\nblau')],
    ['UTF-16, little endian', utf16('grün\nblau', false)],
    ['UTF-16, big endian', utf16('grün\nblau', true)],
  ])('is read as %s', async (_, bytes) => {
    expect((await imported(file('colors.txt', bytes))).texts).toEqual(['grün', 'blau']);
  });
});

describe('a Markdown file', () => {
  const guide = [
    '---',
    'title: "The guide"',
    '---',
    '<!-- a comment',
    'of two lines -->',
    'Read **this** [first](https://example.org), see ![the picture](a.png).',
    '',
    '## Install',
    '```sh',
    '# not a heading',
    'npm ci',
    '```',
    'Use',
    '===',
    'Run it.',
  ].join('\n');

  it('is text without marks', async () => {
    const { documents } = await imported(file('guide.md', guide));
    expect(documents).toMatchObject([
      {
        _id: 'guide.md',
        title: 'The guide',
        text: 'Read this first, see the picture.\n\nInstall\n# not a heading\nnpm ci\n\nUse\nRun it.',
      },
    ]);
  });

  it('has a passage for each heading if that is chosen', async () => {
    const { documents } = await imported(file('guide.md', guide), {
      split: { by: 'headings', words: 50, overlap: 5 },
    });
    expect(documents.map(({ _id, title }) => [_id, title])).toEqual([
      ['guide.md', 'The guide'],
      ['guide.md-2', 'The guide – Install'],
      ['guide.md-3', 'The guide – Use'],
    ]);
  });
});

describe('a web page', () => {
  it('is the text of its main part', async () => {
    const page =
      '<!doctype html><html><head><title>Bees &amp; honey</title><style>p{}</style><script>var x = "<p>no</p>";</script>' +
      '</head><body><header><nav><a>Home</a></nav></header><p>Cookies?</p><main><h1>Bees</h1><p>They <b>fly</b>\n far.' +
      '</p><ul><li>one</li><li>two</li></ul><aside>Advertisement</aside><p hidden>secret</p></main>' +
      '<footer>Imprint</footer></body></html>';
    const { documents } = await imported(file('bees.html', page));
    expect(documents).toMatchObject([{ title: 'Bees & honey', text: 'Bees\nThey fly far.\n\none\n\ntwo' }]);
  });

  it('is all of its text but menus and scripts where no part is marked', async () => {
    const { texts } = await imported(file('a.htm', '<nav>menu</nav><p>One.<p>Two.<script>no</script>'));
    expect(texts).toEqual(['One.\n\nTwo.']);
  });

  it('is known by its content', async () => {
    expect((await imported(file('page', '<!DOCTYPE html><p>Hello'))).texts).toEqual(['Hello']);
  });
});

describe('a PDF', () => {
  it('is its text, with words joined that a line break cuts', async () => {
    const { documents } = await imported(golden('bridge.pdf'));
    expect(documents).toMatchObject([
      {
        _id: 'bridge.pdf',
        title: 'The bridge',
        text: 'The bridge was built in 1932 by engineers from three countries.\n\nIt carries eight lanes of traffic.',
        metadata: { file: 'bridge.pdf', page: 1 },
      },
    ]);
  });

  it('leaves nothing behind that other code could take for a browser', async () => {
    await imported(golden('bridge.pdf'));
    expect(['DOMMatrix', 'ImageData', 'Path2D'].filter((name) => name in globalThis)).toEqual([]);
  });
});

describe('a table', () => {
  const rows = [
    { id: 'a', title: 'First', text: 'The first, with "quotes"\nand two lines' },
    { id: 'b', title: '', text: 'The second; text' },
  ];
  const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  const csv = (delimiter: string): string =>
    [
      'id,title,text'.replaceAll(',', delimiter),
      ...rows.map((row) => Object.values(row).map(quoted).join(delimiter)),
    ].join('\r\n');

  it.each([
    ['CSV', 'a.csv', csv(',')],
    ['CSV with semicolons', 'a.csv', csv(';')],
    ['JSON lines', 'a.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')],
    ['a JSON array', 'a.json', JSON.stringify(rows, undefined, 2)],
    ['objects of several lines', 'a.json', rows.map((row) => JSON.stringify(row, undefined, 2)).join('\n')],
  ])('is read from %s', async (_, name, text) => {
    const { documents } = await imported(file(name, text));
    expect(documents).toEqual(rows.map(({ id, ...rest }) => ({ _id: id, ...rest })));
  });

  it('is read from TSV, where a quotation mark is text', async () => {
    const { documents } = await imported(file('a.tsv', 'id\ttext\n1\tSay "hello"\n2\tno\n'));
    expect(documents).toEqual([
      { _id: '1', title: '', text: 'Say "hello"' },
      { _id: '2', title: '', text: 'no' },
    ]);
  });

  it.each(['none', 'snappy', 'gzip', 'zstd'])(
    'is read from Parquet (%s), whose cells may be missing',
    async (codec) => {
      const { documents } = await imported(golden(`corpus-${codec}.parquet`));
      expect(documents.map(({ title }) => title)).toEqual(['Volcanoes', '', 'Bees', '', 'Rivers', 'Tides']);
      expect(documents[5]).toEqual({
        _id: 'd5',
        title: 'Tides',
        text: 'The text of passage 5, with ünïcödé and 漢字.',
      });
    },
  );

  it('takes the columns that are chosen, numbers and lists of texts too', async () => {
    const { documents, report } = await imported(golden('corpus-zstd.parquet'), {
      columns: { id: ['number'], text: ['title', 'tags'] },
    });
    expect(documents).toEqual([
      { _id: '0', title: '', text: 'Volcanoes\na\nb' },
      { _id: '2', title: '', text: 'Bees\nc' },
      { _id: '4', title: '', text: 'Rivers\nd' },
      { _id: '5', title: '', text: 'Tides\ne' },
    ]);
    expect(report.emptyTexts).toBe(2);
  });

  it('needs no header', async () => {
    const { documents } = await imported(
      file('a.csv', 'x1,"A longer text, with a comma"\nx2,Another longer text\n'),
    );
    expect(documents).toEqual([
      { _id: 'x1', title: '', text: 'A longer text, with a comma' },
      { _id: 'x2', title: '', text: 'Another longer text' },
    ]);
  });
});

describe('several files', () => {
  const files = {
    'docs/a.md': '# A\nText of a.',
    'docs/my notes.txt': 'One note.',
    'docs/picture.png': 'x',
    'docs/empty.txt': '',
  };

  it('are read from a folder, each text with an id of its own', async () => {
    const { documents, report } = await imported(folder('docs', files));
    expect(documents.map(({ _id }) => _id)).toEqual(['a.md', 'my_notes.txt:1']);
    expect(report.warnings).toEqual(['files that are not imported: 2 (.png: 1, empty: 1)']);
  });

  it('are read from a zip, Parquet and PDF too', async () => {
    const parquet = golden('corpus-snappy.parquet');
    const packed: Record<string, Uint8Array> = { 'x/a.txt': utf8('One line.') };
    for (const source of [parquet, golden('bridge.pdf')]) {
      for await (const chunk of source.stream()) packed[`x/${source.name}`] = chunk;
    }
    const { documents } = await imported(file('all.zip', zipSync(packed)));
    expect(documents.map(({ _id }) => _id)).toEqual([
      'a.txt:1',
      'bridge.pdf',
      'd0',
      'd1',
      'd2',
      'd3',
      'd4',
      'd5',
    ]);
  });

  it('may be files, folders and zips at once', async () => {
    const { documents } = await imported([
      file('one.txt', 'first'),
      folder('two', { 'one.txt': 'second' }),
      file('three.zip', zipSync({ 'b.txt': utf8('third') })),
    ]);
    expect(documents.map(({ _id, text }) => [_id, text])).toEqual([
      ['one.txt:1', 'first'],
      ['one.txt_(2):1', 'second'],
      ['b.txt:1', 'third'],
    ]);
  });
});
