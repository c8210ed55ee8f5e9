import type { AdapterFacts, WebllmModel } from '../window/language-models.ts';
import { bytesText } from './bytes.ts';

/** Families that write well for their size, the best one for a laptop first. */
const suggested = ['Qwen3-1.7B', 'Llama-3.2-1B-Instruct', 'Qwen3-0.6B', 'Qwen2.5-0.5B-Instruct'];

const mostRecommended = 3;

/**
 * Up to three models to choose among on this device, the one that writes best first. What may be too large is among
 * them only where nothing else runs; none where nothing does.
 */
export function recommendedModels(models: readonly WebllmModel[]): readonly WebllmModel[] {
  for (const verdict of ['runs', 'risky'] as const) {
    const able = models.filter((model) => model.verdict === verdict);
    const found = suggested.flatMap((family) => {
      const model =
        able.find(({ id }) => id.startsWith(`${family}-q4f16`)) ??
        able.find(({ id }) => id.startsWith(`${family}-q4`));
      return model === undefined ? [] : [model];
    });
    if (found.length > 0) return found.slice(0, mostRecommended);
    const smallest = [...able].sort((a, b) => (a.memoryMb ?? Infinity) - (b.memoryMb ?? Infinity));
    if (smallest.length > 0) return smallest.slice(0, 1);
  }
  return [];
}

/** The model to begin with on this device; undefined where none runs. */
export function suggestedModel(models: readonly WebllmModel[]): WebllmModel | undefined {
  return recommendedModels(models)[0];
}

/**
 * How a recommended model compares with the first one. What a model reads for each word is its memory, so that says
 * about how fast it is.
 */
export function recommendation({ memoryMb }: WebllmModel, first: WebllmModel): string {
  const size = memoryMb === undefined ? 'size unknown' : `${bytesText(memoryMb * 1e6)} of GPU memory`;
  const times = (first.memoryMb ?? 0) / (memoryMb ?? Infinity);
  if (times > 1.2) return `${size}; about ${times.toFixed(1)} times as fast as the first, simpler queries`;
  return times < 0.8 ? `${size}; slower` : `${size}; writes best`;
}

/** The models that a search and a size leave. @param mostGb of GPU memory; all sizes where it is undefined */
export function foundModels(
  models: readonly WebllmModel[],
  words: string,
  mostGb: number | undefined,
): readonly WebllmModel[] {
  const wanted = words.toLowerCase().split(/\s+/u).filter(Boolean);
  return models.filter(
    ({ id, memoryMb }) =>
      wanted.every((word) => id.toLowerCase().includes(word)) &&
      (mostGb === undefined || (memoryMb !== undefined && memoryMb <= mostGb * 1000)),
  );
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
