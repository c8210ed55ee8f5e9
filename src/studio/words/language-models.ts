import type { AdapterFacts, WebllmModel } from '../window/language-models.ts';
import { bytesText } from './bytes.ts';

/** Families that write well for their size, the best one for a laptop first. */
const suggested = ['Qwen3-1.7B', 'Llama-3.2-1B-Instruct', 'Qwen3-0.6B', 'Qwen2.5-0.5B-Instruct'];

/** The model to begin with on this device; undefined where none runs. */
export function suggestedModel(models: readonly WebllmModel[]): WebllmModel | undefined {
  for (const verdict of ['runs', 'risky'] as const) {
    const able = models.filter((model) => model.verdict === verdict);
    for (const family of suggested) {
      const found =
        able.find(({ id }) => id.startsWith(`${family}-q4f16`)) ??
        able.find(({ id }) => id.startsWith(`${family}-q4`));
      if (found !== undefined) return found;
    }
    const [smallest] = [...able].sort((a, b) => (a.memoryMb ?? Infinity) - (b.memoryMb ?? Infinity));
    if (smallest !== undefined) return smallest;
  }
  return undefined;
}

/** `Qwen3-1.7B-q4f16_1 (2.0 GB, 16-bit)`. */
export function modelTitle({ id, memoryMb, needsF16 }: WebllmModel): string {
  const facts = [
    ...(memoryMb === undefined ? [] : [bytesText(memoryMb * 1e6)]),
    ...(needsF16 ? ['16-bit'] : []),
  ];
  return `${id.replace(/-MLC$/, '')}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/** What a chosen model asks of the device, in a sentence or two. */
export function modelSentence({ memoryMb, verdict, why, substitute }: WebllmModel): string {
  const need =
    memoryMb === undefined ? '' : `It needs ${bytesText(memoryMb * 1e6)} of GPU memory while it writes. `;
  if (verdict === 'runs') return `${need}This device can run it.`;
  if (substitute !== undefined) return `${need}Here ${substitute} is loaded in its place: ${why ?? ''}.`;
  return verdict === 'risky' ? `${need}It may fail: ${why ?? ''}.` : `It cannot run here: ${why ?? ''}.`;
}

/** What the device has for WebLLM, in a sentence. */
export function gpuSentence(facts: AdapterFacts | undefined): string {
  if (facts === undefined) {
    return (
      'This browser offers no WebGPU, and WebLLM needs it: use a current Chrome or Edge with hardware acceleration, or ' +
      'choose wllama, which needs no graphics processor, or a server.'
    );
  }
  const f16 = facts.features.includes('shader-f16')
    ? 'with 16-bit arithmetic'
    : 'without 16-bit arithmetic (shader-f16): the larger 32-bit models are loaded';
  const memory =
    facts.deviceMemoryGb === undefined
      ? 'The browser does not tell its memory.'
      : `The browser tells of ${facts.deviceMemoryGb} GB of memory in all.`;
  const kind = facts.isFallback
    ? 'a WebGPU that the processor computes, far too slow for a language model'
    : 'WebGPU';
  return `This device has ${kind}, ${f16}. ${memory}`;
}
