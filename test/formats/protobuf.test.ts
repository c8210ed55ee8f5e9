import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '../../src/formats/protobuf.ts';
import { WireMessage } from '../support/protobuf-reader.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('ProtobufWriter', () => {
  // Examples of protobuf.dev/programming-guides/encoding, and int64 by its rules.
  it.each([
    ['field 1, 150', (w: ProtobufWriter) => w.integer(1, 150), '089601'],
    ['0 is written', (w: ProtobufWriter) => w.integer(1, 0), '0800'],
    ['127 takes one byte', (w: ProtobufWriter) => w.integer(1, 127), '087f'],
    ['128 takes two', (w: ProtobufWriter) => w.integer(1, 128), '088001'],
    ['-1 takes ten', (w: ProtobufWriter) => w.integer(1, -1), '08ffffffffffffffffff01'],
    ['-2', (w: ProtobufWriter) => w.integer(1, -2), '08feffffffffffffffff01'],
    ['2^32', (w: ProtobufWriter) => w.integer(1, 2 ** 32), '088080808010'],
    ['2^53 - 1', (w: ProtobufWriter) => w.integer(1, Number.MAX_SAFE_INTEGER), '08ffffffffffffff0f'],
    ['a field above 15 has a key of two bytes', (w: ProtobufWriter) => w.integer(20, 7), 'a00107'],
    ['text', (w: ProtobufWriter) => w.text(2, 'testing'), '120774657374696e67'],
    ['text outside ASCII', (w: ProtobufWriter) => w.text(2, 'é→'), '1205c3a9e28692'],
    ['empty text', (w: ProtobufWriter) => w.text(2, ''), '1200'],
    ['packed integers', (w: ProtobufWriter) => w.integers(6, [3, 270, 86942]), '3206038e029ea705'],
    ['no packed integers', (w: ProtobufWriter) => w.integers(6, []), '3200'],
    [
      'a nested message',
      (w: ProtobufWriter) => w.message(3, new ProtobufWriter().integer(1, 150)),
      '1a03089601',
    ],
    ['a float', (w: ProtobufWriter) => w.float(2, 1.5), '150000c03f'],
  ])('%s', (_, write, expected) => {
    expect(hex(write(new ProtobufWriter()).finish())).toBe(expected);
  });

  it.each([4095, 4096, 4097, 100_000])('nests %i bytes in order with what is around them', (size) => {
    const large = Uint8Array.from({ length: size }, (_, i) => i % 251);
    const inner = new ProtobufWriter().integer(1, 1).bytes(2, large).integer(1, 3);
    const middle = new ProtobufWriter().text(1, 'before').message(2, inner).text(1, 'after');
    const outer = new ProtobufWriter().integer(1, 300).message(2, middle).bytes(3, large).integer(1, -1);
    const bytes = outer.finish();
    expect(bytes).toHaveLength(outer.length);
    const read = new WireMessage(bytes);
    expect(read.integers(1)).toEqual([300, -1]);
    expect(hex(read.bytes(3)[0]!)).toBe(hex(large));
    const [readMiddle] = read.messages(2);
    expect(readMiddle!.texts(1)).toEqual(['before', 'after']);
    const [readInner] = readMiddle!.messages(2);
    expect(readInner!.integers(1)).toEqual([1, 3]);
    expect(hex(readInner!.bytes(2)[0]!)).toBe(hex(large));
  });

  it('keeps what it wrote when a message is used twice or written on', () => {
    const part = new ProtobufWriter().text(1, 'a');
    const whole = new ProtobufWriter().message(1, part).message(1, part);
    part.text(1, 'b');
    expect(hex(whole.finish())).toBe('0a030a01610a030a0161');
    expect(hex(part.finish())).toBe('0a01610a0162');
  });
});
