/** The studio's own graphs through its own WASM runtime. Variants: `split`, as a training runs them; `whole`. */
import { openRuntime } from '../../src/host/browser/runtime.ts';
import type { DeviceTensor, Session } from '../../src/host/contract.ts';
import { gradientName, lossName, splitGraphs, upstreamName, wholeGraph } from './graphs.ts';
import { inputName, type Values } from './problem.ts';
import { serve } from './system.ts';

serve(async (problem, { threads, variant }) => {
  const { runtime } = await openRuntime({ device: 'wasm', threads });
  const models = variant === 'whole' ? [wholeGraph(problem)] : Object.values(splitGraphs(problem));
  const sessions: Session[] = [];
  for (const model of models) sessions.push(await runtime.createSession(model, { name: 'layer' }));
  const tensor = ({ dims, data }: Values): DeviceTensor => runtime.tensor('float32', dims, data);
  const feeds: Record<string, DeviceTensor> = {
    [inputName]: tensor(problem.input),
    [upstreamName]: tensor(problem.upstream),
  };
  for (const [name, values] of problem.parameters) feeds[name] = tensor(values);
  /** Of the step before: their memory is used again, as in a training. */
  let outputs: Record<string, DeviceTensor>[] = [];
  const read = async (name: string): Promise<Float32Array> => {
    const found = outputs.find((some) => name in some)?.[name];
    if (found === undefined) throw new Error(`there is no ${name}`);
    return (await runtime.read(found)) as Float32Array;
  };
  return {
    step: async () => {
      const results: Record<string, DeviceTensor>[] = [];
      for (const [i, session] of sessions.entries()) {
        results.push(await session.run({ ...feeds, ...results[0] }, outputs[i]));
      }
      outputs = results;
      return (await read(lossName))[0] ?? NaN;
    },
    gradients: async () => {
      const gradients = new Map<string, Float32Array>();
      for (const name of [inputName, ...problem.parameters.keys()]) {
        gradients.set(name, await read(gradientName(name)));
      }
      return gradients;
    },
  };
});
