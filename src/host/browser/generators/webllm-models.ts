/** Which models of WebLLM this device can run, and which it should run in place of one that it cannot. */
import type { ModelRecord } from '@mlc-ai/web-llm';
import { InputError } from '../../../core/errors.ts';
import { nearestName } from '../../../core/nearest-name.ts';

/** A model as WebLLM lists it, and as a user may write it down for a mirror or a model of their own. */
export type WebllmRecord = ModelRecord;

/** Properties of a GPU that determine whether a model runs on it. */
export interface AdapterFacts {
  readonly features: readonly string[];
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  /** Computed by the CPU: correct, but hundreds of times too slow. */
  readonly isFallback: boolean;
  readonly isMobile: boolean;
  /** Memory of the whole device, if the browser reports it. No browser reports that of the GPU. */
  readonly deviceMemoryGb: number | undefined;
}

export interface WebllmModel {
  readonly id: string;
  /** Address of its weights. */
  readonly address: string;
  /** Required GPU memory, in MB of 10^6 bytes; undefined if unknown. */
  readonly memoryMb: number | undefined;
  readonly contextTokens: number | undefined;
  readonly needsF16: boolean;
  /** `risky`: it may be too large or too slow, which only a try can show. */
  readonly verdict: 'runs' | 'risky' | 'cannot';
  /** Why not, or why it is risky: one line for people. */
  readonly why: string | undefined;
  /** The model to load instead, if it cannot run itself. */
  readonly substitute: string | undefined;
}

/** Limits without which WebLLM opens no device. */
const leastWorkgroupStorage = 32 * 1024;
const leastStorageBuffers = 10;
const leastBuffer = 2 ** 28;
const leastBinding = 2 ** 27;
/** A phone's browser silently kills a tab that uses more. */
const mobileBudgetMb = 1500;
/** Share of a device's memory above which a model is called risky, and the memory assumed if it is not reported. */
const memoryShare = 0.6;
const assumedMemoryGb = 8;

/** Half of the records that need f16 do not say so; their names do. */
export function needsF16(record: WebllmRecord): boolean {
  return (record.required_features ?? []).includes('shader-f16') || record.model_id.includes('f16');
}

/**
 * The same model in 32-bit arithmetic: in the same quantization where there is one, else the smallest of the others.
 */
export function f32Twin(record: WebllmRecord, records: readonly WebllmRecord[]): WebllmRecord | undefined {
  const same = records.find(({ model_id }) => model_id === record.model_id.replace('f16', 'f32'));
  if (same !== undefined && !needsF16(same)) return same;
  const family = familyOf(record.model_id);
  return records
    .filter((other) => familyOf(other.model_id) === family && !needsF16(other))
    .sort((a, b) => (a.vram_required_MB ?? Infinity) - (b.vram_required_MB ?? Infinity))[0];
}

/** A name without its quantization: `Qwen3-0.6B-q4f16_1-MLC` and `Qwen3-0.6B-q0f32-MLC` are one model. */
function familyOf(id: string): string {
  return id.replace(/-q\d+f(16|32)(_\d+)?/, '');
}

/**
 * The models that write text, in the order of the records.
 * @param facts undefined where there is no GPU
 */
export function judgeModels(
  records: readonly WebllmRecord[],
  facts: AdapterFacts | undefined,
): WebllmModel[] {
  return records
    .filter((record) => !isEmbedder(record))
    .map((record) => {
      const { verdict, why } = judge(record, facts);
      const twin = isForLackOfF16(record, facts) ? f32Twin(record, records) : undefined;
      const runs = twin !== undefined && judge(twin, facts).verdict !== 'cannot';
      return {
        id: record.model_id,
        address: record.model,
        memoryMb: record.vram_required_MB,
        contextTokens: record.overrides?.context_window_size,
        needsF16: needsF16(record),
        verdict,
        why,
        substitute: runs ? twin.model_id : undefined,
      };
    });
}

/**
 * The record to load for a model that the user has named: its own, or its twin in 32 bits where the GPU lacks f16.
 * @throws InputError for an unknown name, and for a model that this device cannot run
 */
export function chooseRecord(
  id: string,
  records: readonly WebllmRecord[],
  facts: AdapterFacts | undefined,
): WebllmRecord {
  const record = records.find(({ model_id }) => model_id === id);
  if (record === undefined) {
    const near = nearestName(
      id,
      records.map(({ model_id }) => model_id),
    );
    throw new InputError(`WebLLM has no model ${JSON.stringify(id)}`, {
      remedy:
        near === undefined
          ? 'Choose one from its list, or use a custom record with its addresses'
          : `Did you mean ${near}? Otherwise choose one from its list, or use a custom record`,
    });
  }
  if (isEmbedder(record)) {
    throw new InputError(`${id} is an embedding model and does not generate text`, {
      remedy: 'Choose a language model',
    });
  }
  const chosen = isForLackOfF16(record, facts) ? (f32Twin(record, records) ?? record) : record;
  const { verdict, why } = judge(chosen, facts);
  if (verdict === 'cannot') {
    throw new InputError(`${id} cannot run here: ${why ?? ''}`, { remedy: remedyFor(facts) });
  }
  return chosen;
}

function remedyFor(facts: AdapterFacts | undefined): string {
  const elsewhere = 'a GGUF model, which needs no GPU, or a model on a server';
  return facts === undefined
    ? `Use a current Chrome or Edge with hardware acceleration turned on, or choose ${elsewhere}`
    : `Choose a model that the list shows as running here, ${elsewhere}`;
}

function isForLackOfF16(record: WebllmRecord, facts: AdapterFacts | undefined): boolean {
  return facts !== undefined && needsF16(record) && !facts.features.includes('shader-f16');
}

type Verdict = Pick<WebllmModel, 'verdict' | 'why'>;

function judge(record: WebllmRecord, facts: AdapterFacts | undefined): Verdict {
  const cannot = (why: string): Verdict => ({ verdict: 'cannot', why });
  const risky = (why: string): Verdict => ({ verdict: 'risky', why });
  if (facts === undefined) return cannot('the browser offers no GPU for WebGPU');
  if (
    facts.maxComputeWorkgroupStorageSize < leastWorkgroupStorage ||
    facts.maxStorageBuffersPerShaderStage < leastStorageBuffers ||
    facts.maxBufferSize < leastBuffer ||
    facts.maxStorageBufferBindingSize < leastBinding
  ) {
    return cannot('the limits of this GPU are too low for WebLLM');
  }
  if (needsF16(record) && !facts.features.includes('shader-f16')) {
    return cannot('this GPU or browser does not support 16-bit arithmetic (shader-f16)');
  }
  const missing = (record.required_features ?? []).find((feature) => !facts.features.includes(feature));
  if (missing !== undefined) return cannot(`this GPU or browser lacks ${missing}`);
  // WebLLM asks for 1 GiB, or for the least where the adapter has less.
  const binding = facts.maxStorageBufferBindingSize >= 2 ** 30 ? 2 ** 30 : leastBinding;
  if ((record.buffer_size_required_bytes ?? 0) > binding) {
    return cannot('its largest tensor exceeds the maximum buffer size of this GPU');
  }
  const needMb = record.vram_required_MB;
  const need = needMb === undefined ? '' : `${(needMb / 1000).toFixed(1)} GB`;
  if (needMb !== undefined && facts.isMobile && needMb > mobileBudgetMb) {
    return cannot(
      `it needs ${need}, but browsers on phones and tablets close tabs that use more than 1.5 GB`,
    );
  }
  if (facts.isFallback) return risky('this GPU is emulated on the CPU; expect minutes per word');
  const memoryGb = facts.deviceMemoryGb ?? assumedMemoryGb;
  if (needMb !== undefined && needMb > memoryShare * memoryGb * 1000) {
    const told =
      facts.deviceMemoryGb === undefined ? 'does not report its memory' : `reports ${memoryGb} GB in total`;
    return risky(`it needs ${need} of GPU memory, but this device ${told}`);
  }
  return { verdict: 'runs', why: undefined };
}

/** The enumeration itself would come with the whole library. */
function isEmbedder({ model_type }: WebllmRecord): boolean {
  return Number(model_type) === 1;
}
