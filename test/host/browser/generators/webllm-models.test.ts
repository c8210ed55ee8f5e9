import { prebuiltAppConfig } from '@mlc-ai/web-llm';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import {
  chooseRecord,
  f32Twin,
  judgeModels,
  needsF16,
  type AdapterFacts,
  type WebllmRecord,
} from '../../../../src/host/browser/generators/webllm-models.ts';

const records = prebuiltAppConfig.model_list;

const strong: AdapterFacts = {
  features: ['shader-f16', 'subgroups'],
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 31,
  maxStorageBuffersPerShaderStage: 10,
  maxComputeWorkgroupStorageSize: 32 * 1024,
  isFallback: false,
  isMobile: false,
  deviceMemoryGb: 32,
};
const withoutF16: AdapterFacts = { ...strong, features: ['subgroups'] };

function record(id: string): WebllmRecord {
  const found = records.find(({ model_id }) => model_id === id);
  if (found === undefined) throw new Error(`no record ${id}`);
  return found;
}

function verdictOf(id: string, facts: AdapterFacts | undefined) {
  return judgeModels(records, facts).find((model) => model.id === id);
}

describe('the models that WebLLM lists', () => {
  it('are told apart by what their names say of f16, which half of the records do not', () => {
    const f16 = records.filter(needsF16);
    expect(f16).toHaveLength(86);
    expect(f16.filter(({ required_features }) => required_features === undefined)).toHaveLength(56);
    for (const each of f16) expect(each.model_id).toContain('f16');
  });

  it('have a twin in 32 bits wherever the list has one of the same family', () => {
    const without: string[] = [];
    for (const each of records.filter(needsF16)) {
      const twin = f32Twin(each, records);
      if (twin === undefined) {
        without.push(each.model_id);
        continue;
      }
      expect(needsF16(twin)).toBe(false);
      const family = (id: string) => id.replace(/-q[0-9a-z_]+/, '');
      expect(family(twin.model_id)).toBe(family(each.model_id));
      expect(twin.overrides?.context_window_size).toBe(each.overrides?.context_window_size);
      expect(twin.model_type).toBe(each.model_type);
    }
    expect(without.sort()).toEqual([
      'Hermes-2-Pro-Mistral-7B-q4f16_1-MLC',
      'Llama-2-13b-chat-hf-q4f16_1-MLC',
      'Llama-3-70B-Instruct-q3f16_1-MLC',
      'Llama-3.1-70B-Instruct-q3f16_1-MLC',
      'Mistral-7B-Instruct-v0.2-q4f16_1-MLC',
      'NeuralHermes-2.5-Mistral-7B-q4f16_1-MLC',
      'OpenHermes-2.5-Mistral-7B-q4f16_1-MLC',
      'WizardMath-7B-V1.1-q4f16_1-MLC',
      'gemma3-1b-it-q4f16_1-MLC',
    ]);
    const sameQuantization = f32Twin(record('Qwen3-0.6B-q0f16-MLC'), records);
    expect(sameQuantization?.model_id).toBe('Qwen3-0.6B-q0f32-MLC');
    const other = f32Twin(record('Qwen2-0.5B-Instruct-q4f16_1-MLC'), records);
    expect(other?.model_id).toBe('Qwen2-0.5B-Instruct-q0f32-MLC');
  });

  it('all run on a strong GPU but those that are too large; encoders are left out', () => {
    const judged = judgeModels(records, strong);
    expect(judged).toHaveLength(161);
    expect(judged.map(({ id }) => id).filter((id) => id.includes('embed'))).toEqual([]);
    const others = judged.filter(({ verdict }) => verdict !== 'runs');
    expect(others.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['Llama-3.1-70B-Instruct-q3f16_1-MLC', 'risky'],
      ['Llama-3-70B-Instruct-q3f16_1-MLC', 'risky'],
    ]);
    expect(others[0]?.why).toBe('it needs 31.2 GB of GPU memory, but this device reports 32 GB in total');
  });

  it('without f16 run in 32 bits, where there is such a twin', () => {
    for (const model of judgeModels(records, withoutF16)) {
      const own = record(model.id);
      expect(model.verdict === 'cannot').toBe(needsF16(own));
      if (!needsF16(own)) {
        expect(model.substitute).toBeUndefined();
        continue;
      }
      expect(model.why).toMatch(/does not support 16-bit arithmetic/);
      expect(model.substitute).toBe(f32Twin(own, records)?.model_id);
      if (model.substitute !== undefined) {
        expect(chooseRecord(model.id, records, withoutF16).model_id).toBe(model.substitute);
      } else {
        expect(() => chooseRecord(model.id, records, withoutF16)).toThrow(/cannot run here.*16-bit/);
      }
    }
  });

  it('are judged by the limits of the GPU', () => {
    const judge = (facts: Partial<AdapterFacts>) =>
      verdictOf('Qwen3-0.6B-q4f16_1-MLC', { ...strong, ...facts });
    expect(judge({})).toMatchObject({ verdict: 'runs', memoryMb: 1403.34, contextTokens: 4096 });
    for (const limit of [
      { maxStorageBuffersPerShaderStage: 8 },
      { maxComputeWorkgroupStorageSize: 16 * 1024 },
      { maxBufferSize: 2 ** 27 },
      { maxStorageBufferBindingSize: 2 ** 26 },
    ]) {
      expect(judge(limit)).toMatchObject({
        verdict: 'cannot',
        why: 'the limits of this GPU are too low for WebLLM',
      });
    }
    expect(judge({ isFallback: true })?.verdict).toBe('risky');
    expect(
      verdictOf('gemma-2b-it-q4f16_1-MLC', { ...strong, maxStorageBufferBindingSize: 2 ** 29 }),
    ).toMatchObject({
      verdict: 'cannot',
      why: 'its largest tensor exceeds the maximum buffer size of this GPU',
    });
  });

  it('are refused on a phone beyond what its browser lets a tab have', () => {
    const phone = { ...strong, isMobile: true, deviceMemoryGb: 4 };
    expect(verdictOf('Qwen3-0.6B-q4f16_1-MLC', phone)?.verdict).toBe('runs');
    expect(verdictOf('Qwen3-1.7B-q4f16_1-MLC', phone)).toMatchObject({
      verdict: 'cannot',
      why: 'it needs 2.0 GB, but browsers on phones and tablets close tabs that use more than 1.5 GB',
    });
  });

  it('cannot run without a GPU, and say what can', () => {
    expect(judgeModels(records, undefined).every(({ verdict }) => verdict === 'cannot')).toBe(true);
    expect(() => chooseRecord('Qwen3-0.6B-q4f16_1-MLC', records, undefined)).toThrow(
      /the browser offers no GPU for WebGPU\. .*a GGUF model, which needs no GPU/,
    );
  });

  it('are named exactly, or the nearest name is told', () => {
    expect(() => chooseRecord('Qwen3-1.7B-q4f16-MLC', records, strong)).toThrow(
      /WebLLM has no model "Qwen3-1\.7B-q4f16-MLC"\. Did you mean Qwen3-1\.7B-q4f16_1-MLC\?/,
    );
    expect(() => chooseRecord('zzz', records, strong)).toThrow(InputError);
    expect(() => chooseRecord('snowflake-arctic-embed-s-q0f32-MLC-b4', records, strong)).toThrow(
      /is an embedding model and does not generate text/,
    );
  });
});
