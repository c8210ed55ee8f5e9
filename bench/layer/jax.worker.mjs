/** jax-js on its WASM backend: jit(valueAndGrad), matrices as [inputs, outputs]. */
import { bertLayer } from '../../src/encoders/families/bert.ts';
import { epsilon, inputName, length, rows, tokens, transposed } from './problem.ts';
import { serve } from './system.ts';

const address = new URL('/peers/@jax-js/jax/dist/index.js', self.location.href).href;

serve(async (problem, { threads }) => {
  // It has no setting for its threads: it takes as many as the machine says.
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: threads });
  const jax = await import(/* @vite-ignore */ address);
  const { numpy: np, nn, lax } = jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');

  const { hidden, heads } = problem;
  const names = bertLayer(0);
  const lossOf = (leaves, upstream) => {
    // Every use takes a reference; those of the leaves are given back at the end.
    const parameter = (name) => leaves[name].ref;
    const linear = (y, name) => np.matmul(y, parameter(`${name}.weight`)).add(parameter(`${name}.bias`));
    const norm = (y, name) => {
      const centered = y.ref.sub(np.mean(y, -1, { keepdims: true }));
      const variance = np.mean(np.square(centered.ref), -1, { keepdims: true });
      return centered
        .div(np.sqrt(variance.add(epsilon)))
        .mul(parameter(`${name}.weight`))
        .add(parameter(`${name}.bias`));
    };
    const splitHeads = (y) => np.transpose(y.reshape([rows, length, heads, hidden / heads]), [0, 2, 1, 3]);
    const x = parameter(inputName);
    const query = splitHeads(linear(x.ref, names.query).mul(1 / Math.sqrt(hidden / heads)));
    const key = splitHeads(linear(x.ref, names.key));
    const value = splitHeads(linear(x.ref, names.value));
    const probabilities = nn.softmax(np.matmul(query, np.transpose(key, [0, 1, 3, 2])), -1);
    const context = np.transpose(np.matmul(probabilities, value), [0, 2, 1, 3]).reshape([tokens, hidden]);
    const attended = norm(linear(context, names.attentionOutput).add(x), names.attentionNorm);
    const wide = linear(attended.ref, names.intermediate);
    const gelu = wide.ref.mul(0.5).mul(lax.erf(wide.mul(Math.SQRT1_2)).add(1));
    const output = norm(linear(gelu, names.output).add(attended), names.outputNorm);
    for (const leaf of Object.values(leaves)) leaf.dispose();
    return output.mul(upstream).sum();
  };
  const gradientsOf = jax.jit(jax.valueAndGrad(lossOf));
  const array = ({ dims, data }) => np.array(data, { shape: dims, device: 'wasm' });
  const leaves = { [inputName]: array(problem.input) };
  for (const [name, { dims, data }] of problem.parameters) {
    leaves[name] = array({ dims: dims.toReversed(), data: transposed(dims, data) });
  }
  const upstream = array(problem.upstream);
  let gradients = {};
  return {
    step: async () => {
      for (const gradient of Object.values(gradients)) gradient.dispose();
      const given = Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, leaf.ref]));
      const [loss, found] = gradientsOf(given, upstream.ref);
      gradients = found;
      await jax.blockUntilReady(found);
      return (await loss.data())[0];
    },
    gradients: async () => {
      const found = new Map();
      for (const [name, gradient] of Object.entries(gradients)) {
        const data = await gradient.ref.data();
        found.set(name, name === inputName ? data : transposed(gradient.shape, data));
      }
      return found;
    },
  };
});
