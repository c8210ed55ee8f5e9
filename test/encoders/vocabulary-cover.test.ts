import { describe, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { vocabularyCover } from '../../src/encoders/vocabulary-cover.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';

const english =
  'The tide withdraws from the beach before a tsunami arrives, because the trough of the wave reaches the coast first. ' +
  'Patients who received a low dose of the vitamin had fewer infections than those in the control group.';
const german =
  'Vor einem Tsunami zieht sich das Wasser vom Strand zurück, weil das Wellental die Küste zuerst erreicht. ' +
  'Die Patienten mit niedriger Dosis hatten weniger Entzündungen als jene der Vergleichsgruppe.';

describe.each(['nano', 'pico'])('the words that %s knows as a whole', (name) => {
  it('are most of English, and few of other languages', async () => {
    const { tokenizer } = await readEncoder(await openModelFiles({ offline: true }).open(name));
    expect(vocabularyCover(tokenizer, [english])).toBeGreaterThan(0.8);
    expect(vocabularyCover(tokenizer, [german])).toBeLessThan(0.6);
    expect(vocabularyCover(tokenizer, ['Перед цунами вода уходит от берега'])).toBeLessThan(0.6);
    expect(vocabularyCover(tokenizer, ['12 34', ''])).toBeUndefined();
  });
});
