import { describe, expect, it } from 'vitest';
import type { DocumentOptions } from '../../src/corpus/documents.ts';
import { hasText, passageText, readDocuments } from '../../src/corpus/documents.ts';
import { readQueries } from '../../src/corpus/queries.ts';
import { ReadReport } from '../../src/corpus/report.ts';
import type { ByteSource } from '../../src/core/source.ts';
import { textSource } from '../../src/core/source.ts';
import type { Document } from '../../src/corpus/types.ts';
import { collect, refused } from './support.ts';

const read = (name: string, text: string, options: DocumentOptions = {}): Promise<Document[]> =>
  collect(readDocuments(textSource(name, text), options));

describe('JSON lines', () => {
  it('reads the usual names of id and text, and numbers as ids', async () => {
    expect(
      await read(
        'c.jsonl',
        '{"_id": "a", "title": "T", "text": "x", "metadata": {}}\r\n\n{"id": 7, "contents": "y"}\n{"docid": "c", "title": null, "passage": "z"}',
      ),
    ).toEqual([
      { id: 'a', title: 'T', text: 'x' },
      { id: '7', title: '', text: 'y' },
      { id: 'c', title: '', text: 'z' },
    ]);
  });

  it('counts lines with a key twice, however it is spelled and wherever it stands, and names the first', async () => {
    const report = new ReadReport();
    const lines = [
      '{"_id": "a", "text": "one: {\\"text\\": 1}", "metadata": {"text": "x", "list": [{"a": 1}, {"a": 2}]}}',
      '{"_id": "b", "text": "first", "title": "", "text": "second"}',
      '{"_id": "c", "text": "x", "metadata": [{"deep": {"k": 1, "\\u006b": 2}}]}',
      '{"_id": "d", "text": "x", "": 1, "__proto__": 2}',
    ];
    const documents = await read('c.jsonl', lines.join('\n'), { report });
    expect(documents[1]).toEqual({ id: 'b', title: '', text: 'second' });
    expect(report.warnings()).toEqual([
      'JSON lines with a duplicate key, such as "text" in c.jsonl:2 (the last value is used): 2',
    ]);
  });

  it('skips a byte order mark', async () => {
    expect(await read('c.jsonl', '\ufeff{"_id": "a", "text": "x"}')).toHaveLength(1);
  });

  it('takes __proto__ and constructor for keys without a meaning', async () => {
    const [document] = await read(
      'c.jsonl',
      '{"_id": "__proto__", "text": "x", "__proto__": {"title": "evil"}, "constructor": {"prototype": 1}}',
    );
    expect(document).toEqual({ id: '__proto__', title: '', text: 'x' });
    expect(({} as { title?: unknown }).title).toBeUndefined();
  });

  it.each([
    ['{"_id": "a", "text": "x"}\n{"_id": "b", "text"\n', 'c.jsonl:2: not valid JSON'],
    ['[1]\n', 'c.jsonl:1: is not a JSON object'],
    ['{"text": "x"}\n', 'c.jsonl:1: the document has no id'],
    ['{"_id": "", "text": "x"}\n', 'c.jsonl:1: "_id" is not an id'],
    ['{"_id": "a\\tb", "text": "x"}\n', 'c.jsonl:1: "_id" is not an id'],
    ['{"_id": 0.5, "text": "x"}\n', 'c.jsonl:1: "_id" is not an id'],
    ['{"_id": "a"}\n', 'c.jsonl:1: the document has no text'],
    ['{"_id": "a", "text": ["x"]}\n', 'c.jsonl:1: "text" is not a string'],
    [
      '{"_id": "a", "text": "x"}\n\n{"_id": "a", "text": "y"}\n',
      'c.jsonl:3: the id "a" is already used on line 1',
    ],
  ])('refuses %j', async (text, message) => {
    expect(await refused(read('c.jsonl', text))).toContain(message);
  });

  it('leaves out and counts repeated ids on request', async () => {
    const report = new ReadReport();
    const lines = '{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n{"_id": "b", "text": " "}\n';
    const documents = await read('c.jsonl', lines, { duplicates: 'skip', report });
    expect(documents.map(({ text }) => text)).toEqual(['x', ' ']);
    expect(report).toMatchObject({ documents: 2, duplicateIds: 1, emptyTexts: 1 });
    expect(report.warnings()).toEqual([
      'passages without text (excluded from training): 1',
      'documents with a duplicate id (excluded): 1',
    ]);
  });

  it('measures a passage in UTF-8 bytes', async () => {
    const passage = (text: string): string => JSON.stringify({ _id: 'a', text });
    expect(await read('c.jsonl', passage('ä'.repeat(50)), { maxPassageBytes: 100 })).toHaveLength(1);
    const message = await refused(read('c.jsonl', passage('ä'.repeat(51)), { maxPassageBytes: 100 }));
    expect(message).toContain('c.jsonl:1: the passage has 102 bytes of text, but the limit is 100 bytes');
    expect(message).toContain('Use shorter passages');
  });

  it('names the line of bytes that are not UTF-8', async () => {
    const bytes = new TextEncoder().encode('{"_id": "a", "text": "x"}\n{"_id": "b", "text": "?"}\n');
    bytes[bytes.indexOf(0x3f)] = 0xff;
    const source: ByteSource = { ...textSource('c.jsonl', ''), stream: () => one(bytes) };
    expect(await refused(collect(readDocuments(source)))).toContain('c.jsonl:2: is not valid UTF-8');
  });
});

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // One byte at a time: lines and characters cut anywhere.
  for (const byte of bytes) yield await Promise.resolve(Uint8Array.of(byte));
}

describe('tables', () => {
  it('reads columns by name, quoted fields over several lines, and doubled quotation marks', async () => {
    const csv = '\ufeffTitle,_id,ignored,Text\r\n"A, b",1,,"one\r\ntwo ""three"""\r\n\r\nC,2,,"four"\r\n';
    expect(await read('c.csv', csv)).toEqual([
      { id: '1', title: 'A, b', text: 'one\ntwo "three"' },
      { id: '2', title: 'C', text: 'four' },
    ]);
  });

  it('finds the delimiter', async () => {
    expect(await read('c.csv', 'id;text\n1;a, b\n')).toEqual([{ id: '1', title: '', text: 'a, b' }]);
  });

  it('numbers rows without an id, with a header and without', async () => {
    const expected = [
      { id: '1', title: '', text: 'a' },
      { id: '2', title: '', text: 'b' },
    ];
    expect(await read('c.csv', 'text\na\nb\n')).toEqual(expected);
    expect(await read('c.csv', 'a\nb\n')).toEqual(expected);
  });

  it('takes quotation marks in TSV for text', async () => {
    expect(await read('collection.tsv', '0\t"Open" and 5" wide\n1\t"unclosed\n')).toEqual([
      { id: '0', title: '', text: '"Open" and 5" wide' },
      { id: '1', title: '', text: '"unclosed' },
    ]);
    expect(await read('c.tsv', 'id\ttext\n0\t"a\tb"\n', { quotes: true })).toEqual([
      { id: '0', title: '', text: 'a\tb' },
    ]);
  });

  it('takes ids exactly as they are', async () => {
    const document = { id: ' a b# ', title: '', text: 'one' };
    expect(await read('c.tsv', ' a b# \tone\n')).toEqual([document]);
    expect(await read('c.csv', 'id,text\n" a b# ",one\n')).toEqual([document]);
  });

  it('ignores a __proto__ column', async () => {
    expect(await read('c.csv', '__proto__,id,text\nevil,1,a\n')).toEqual([{ id: '1', title: '', text: 'a' }]);
  });

  it.each([
    ['id,text\n1,"a\nb\n2,c\n', 'c.csv:2: a quotation mark is opened in the row that starts here'],
    ['id,text\n1,"a"b"\n', 'c.csv:2: a quotation mark is misplaced'],
    ['id,text\n1,a\n2,b,c\n', 'c.csv:3: has 3 columns, but the first row has 2'],
    ['1,2,3\n', 'c.csv:1: the table has 3 columns and no header'],
    ['id,text\n,a\n', 'c.csv:2: the document has no valid id'],
    ['id,text\n1,a\n1,b\n', 'c.csv:3: the id "1" is already used on line 2'],
  ])('refuses %j', async (text, message) => {
    expect(await refused(read('c.csv', text))).toContain(message);
  });
});

describe('plain text', () => {
  const text = 'one\ntwo\n\n \nthree\n';

  it('takes paragraphs, or lines, for passages', async () => {
    expect(await read('c.txt', text)).toEqual([
      { id: '1', title: '', text: 'one\ntwo' },
      { id: '2', title: '', text: 'three' },
    ]);
    expect((await read('c.txt', text, { unit: 'line' })).map(({ id, text }) => [id, text])).toEqual([
      ['1', 'one'],
      ['2', 'two'],
      ['5', 'three'],
    ]);
  });

  it('refuses a paragraph without an end', async () => {
    const message = await refused(read('c.txt', `a\n\n${'b\n'.repeat(60)}`, { maxPassageBytes: 100 }));
    expect(message).toContain('c.txt:3: the paragraph is longer than the limit of 100 bytes');
  });
});

describe('titles', () => {
  it('stand before the text unless turned off', () => {
    const document = { id: '1', title: 'T', text: 'x' };
    expect(passageText(document)).toBe('T x');
    expect(passageText(document, { titles: false })).toBe('x');
    expect(passageText({ ...document, title: '' })).toBe('x');
    expect(passageText({ ...document, text: '' })).toBe('T');
  });

  it('count as text only where they are used', () => {
    const document = { id: '1', title: 'T', text: ' ' };
    expect([hasText(document), hasText(document, { titles: false })]).toEqual([true, false]);
  });
});

describe('queries', () => {
  it('come from JSON lines or tab-separated lines', async () => {
    const expected = [
      { id: '1', text: 'a' },
      { id: '2', text: 'b\tc' },
    ];
    expect(
      await readQueries(textSource('q', '{"_id": "1", "text": "a"}\n{"_id": 2, "text": "b\\tc"}')),
    ).toEqual(expected);
    expect(await readQueries(textSource('q', '1\ta\n2\tb\tc\n'))).toEqual(expected);
  });

  it.each([
    [
      '{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}',
      'q:2: the query id "1" is already used on line 1',
    ],
    ['{"_id": "1"}', 'q:1: the query has no text'],
    ['just text', 'q:1: the query has no id'],
  ])('refuses %j', async (text, message) => {
    expect(await refused(readQueries(textSource('q', text)))).toContain(message);
  });
});
