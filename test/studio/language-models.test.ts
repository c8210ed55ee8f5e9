import { describe, expect, it } from 'vitest';
import type { AdapterFacts, WebllmModel } from '../../src/studio/window/language-models.ts';
import {
  gpuSentence,
  modelSentence,
  modelTitle,
  suggestedModel,
} from '../../src/studio/words/language-models.ts';
import { foundModels, recommendation, recommendedModels } from '../../src/studio/words/language-models.ts';
import { loadingText } from '../../src/studio/words/loading.ts';

function model(id: string, more: Partial<WebllmModel> = {}): WebllmModel {
  return {
    id,
    address: 'https://hub.example/model',
    memoryMb: 2037,
    contextTokens: 4096,
    needsF16: id.includes('f16'),
    verdict: 'runs',
    why: undefined,
    substitute: undefined,
    ...more,
  };
}
const facts: AdapterFacts = {
  features: ['shader-f16'],
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 31,
  maxStorageBuffersPerShaderStage: 10,
  maxComputeWorkgroupStorageSize: 2 ** 15,
  isFallback: false,
  isMobile: false,
  deviceMemoryGb: 8,
};

describe('the suggested model', () => {
  it('is the best family that runs, in 16 bits where those run', () => {
    const all = [
      'Tiny-q4f16_1-MLC',
      'Qwen3-0.6B-q4f16_1-MLC',
      'Qwen3-1.7B-q4f32_1-MLC',
      'Qwen3-1.7B-q4f16_1-MLC',
    ];
    expect(suggestedModel(all.map((id) => model(id)))?.id).toBe('Qwen3-1.7B-q4f16_1-MLC');
  });

  it('is the 32-bit one where 16 bits are missing', () => {
    const why = 'no shader-f16';
    const models = [
      model('Qwen3-1.7B-q4f16_1-MLC', { verdict: 'cannot', why }),
      model('Qwen3-1.7B-q4f32_1-MLC'),
    ];
    expect(suggestedModel(models)?.id).toBe('Qwen3-1.7B-q4f32_1-MLC');
  });

  it('is a risky one before none, the smallest of unknown families, and none where none runs', () => {
    const risky = [
      model('Large-q4f32_1-MLC', { verdict: 'risky', memoryMb: 9000 }),
      model('Small-q4f32_1-MLC', { verdict: 'risky', memoryMb: 900 }),
    ];
    expect(suggestedModel(risky)?.id).toBe('Small-q4f32_1-MLC');
    expect(suggestedModel(risky.map((each) => ({ ...each, verdict: 'cannot' as const })))).toBeUndefined();
  });
});

describe('words for language models', () => {
  it('name memory and 16-bit need', () => {
    expect(modelTitle(model('Qwen3-1.7B-q4f16_1-MLC'))).toBe('Qwen3-1.7B-q4f16_1 (2.0 GB, 16-bit)');
  });

  it('say what is loaded, and why something cannot be', () => {
    expect(modelSentence(model('m'))).toBe(
      'It needs 2.0 GB of GPU memory while it writes. This device can run it.',
    );
    expect(modelSentence(model('m', { verdict: 'cannot', why: 'it lacks f16' }))).toBe(
      'It cannot run here: it lacks f16.',
    );
    expect(
      modelSentence(model('m', { verdict: 'cannot', why: 'it lacks f16', substitute: 'twin' })),
    ).toContain('Here twin is loaded in its place: it lacks f16.');
  });

  it('say what the device has, and what is missing', () => {
    expect(gpuSentence(undefined)).toContain('offers no WebGPU');
    expect(gpuSentence(facts)).toBe(
      'This device has WebGPU, with 16-bit arithmetic. The browser tells of 8 GB of memory in all.',
    );
    expect(gpuSentence({ ...facts, features: [], isFallback: true })).toMatch(/far too slow.*without 16-bit/);
  });

  it('say how far a model is', () => {
    const progress = {
      phase: 'download',
      receivedBytes: 120e6,
      totalBytes: 340e6,
      secondsLeft: 100,
    } as const;
    expect(loadingText(progress)).toBe('fetching the language model, 120.0 MB of 340.0 MB, about 2 min left');
    expect(loadingText({ phase: 'compile', share: 0.345 })).toContain('34 %');
  });
});

describe('the recommended models', () => {
  const all = [
    model('Qwen2.5-0.5B-Instruct-q4f16_1-MLC', { memoryMb: 945 }),
    model('Llama-3.2-1B-Instruct-q4f16_1-MLC', { memoryMb: 879 }),
    model('Other-q4f16_1-MLC'),
    model('Qwen3-1.7B-q4f16_1-MLC'),
    model('Qwen3-0.6B-q4f16_1-MLC', { memoryMb: 1403 }),
  ];

  it('are three, the one that writes best first, with size and speed', () => {
    const three = recommendedModels(all);
    expect(three.map(({ id }) => id)).toEqual([
      'Qwen3-1.7B-q4f16_1-MLC',
      'Llama-3.2-1B-Instruct-q4f16_1-MLC',
      'Qwen3-0.6B-q4f16_1-MLC',
    ]);
    const [best, fast] = three;
    if (best === undefined || fast === undefined) throw new Error('too few');
    expect(recommendation(best, best)).toBe('2.0 GB of GPU memory; writes best');
    expect(recommendation(fast, best)).toBe(
      '879.0 MB of GPU memory; about 2.3 times as fast as the first, simpler queries',
    );
  });

  it('leave the others to a search and a size', () => {
    expect(foundModels(all, 'qwen 1.7', undefined).map(({ id }) => id)).toEqual(['Qwen3-1.7B-q4f16_1-MLC']);
    expect(foundModels(all, '', 1)).toHaveLength(2);
  });

  it('are none where none can run', () => {
    expect(recommendedModels(all.map((each) => ({ ...each, verdict: 'cannot' as const })))).toEqual([]);
  });
});
