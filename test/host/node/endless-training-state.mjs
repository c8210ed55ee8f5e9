/** The checkpoint of a step, the same in the program that is killed and in the test that looks at what it left. */
export function checkpointOf(step, elements) {
  const fill = (offset) => Float32Array.from({ length: elements }, (_, i) => (i * 31 + offset * 17) % 1013);
  return {
    state: {
      step,
      epoch: 0,
      seed: 1,
      optimizerStep: step,
      recipeHash: '',
      plan: {},
      earlyStopping: null,
      history: [],
      fingerprint: {},
      breaks: [],
    },
    weights: new Map([
      ['frozen', { dims: [elements], data: fill(0) }],
      ['trained', { dims: [elements], data: fill(step) }],
    ]),
    moments: {
      first: new Map([['trained', fill(step + 1)]]),
      second: new Map([['trained', fill(step + 2)]]),
    },
  };
}
