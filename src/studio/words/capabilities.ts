import { hasWasmSimd } from '../../core/wasm-simd.ts';
import type { ComputeFacts } from '../protocol.ts';

/** Something the browser has or lacks, and what that means here. */
export interface Capability {
  readonly name: string;
  readonly isThere: boolean;
  readonly meaning: string;
}

/** What of a browser is looked at; a parameter, so that every answer can be tested. */
export interface BrowserFacts {
  readonly isIsolated: boolean;
  readonly hasWebGpu: boolean;
  readonly hasIndexedDb: boolean;
  /** With SIMD. */
  readonly hasWebAssembly: boolean;
  readonly processors: number;
}

export function browserFacts(): BrowserFacts {
  return {
    isIsolated: crossOriginIsolated,
    hasWebGpu: 'gpu' in navigator,
    hasIndexedDb: 'indexedDB' in globalThis,
    hasWebAssembly: hasWasmSimd(),
    processors: navigator.hardwareConcurrency,
  };
}

export function capabilities(facts: BrowserFacts): readonly Capability[] {
  const { isIsolated, hasWebGpu, hasIndexedDb, hasWebAssembly, processors } = facts;
  return [
    {
      name: 'WebAssembly with SIMD',
      isThere: hasWebAssembly,
      meaning: hasWebAssembly
        ? 'the processor can train'
        : 'only static encoders such as pico can train: use a current Chrome, Edge, Firefox or Safari for others',
    },
    {
      name: 'Shared memory between threads',
      isThere: isIsolated,
      meaning: isIsolated
        ? `several of the ${processors} logical processors work together`
        : 'only one thread works: the server must send the headers COOP and COEP, as npm start does',
    },
    {
      name: 'WebGPU',
      isThere: hasWebGpu,
      meaning: hasWebGpu
        ? 'a graphics processor can train, if the browser offers one'
        : 'the processor trains instead: use a current Chrome or Edge with hardware acceleration for more speed',
    },
    {
      name: 'Storage',
      isThere: hasIndexedDb,
      meaning: hasIndexedDb
        ? 'trainings outlive the tab'
        : 'nothing can be kept: leave private browsing, or allow this page to store data',
    },
  ];
}

export function threadsText(threads: number): string {
  return threads === 1 ? 'one thread' : `${threads} threads`;
}

/** What trains, in a sentence. */
export function deviceSentence(facts: ComputeFacts, hasSimd = hasWasmSimd()): string {
  if (!hasSimd) {
    return 'Trains static encoders such as pico on the processor. Transformers such as nano need WebAssembly with SIMD, which this browser does not have.';
  }
  if (facts.device === 'webgpu') {
    const adapter = facts.fingerprint.adapter;
    return `Trains on the graphics processor with WebGPU${adapter === undefined || adapter === '' ? '' : ` (${adapter})`}.`;
  }
  const why =
    facts.withoutGpu === undefined ? '' : ` WebGPU is not used: ${facts.withoutGpu.replace(/\.$/, '')}.`;
  return `Trains on the processor with WASM, ${threadsText(facts.threads)}.${why}`;
}
