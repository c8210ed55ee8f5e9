/**
 * TensorFlow.js on its WASM backend, eager, gradients by tf.grads. Variants: `plain`; `transposes`, where a gradient
 * written by hand spares the matrix products from transposing (this backend has no fast product of transposed
 * matrices, and TensorFlow.js' own gradients ask for them).
 */
import { bertLayer } from '../../src/encoders/families/bert.ts';
import { epsilon, inputName, length, rows, tokens, transposed } from './problem.ts';
import { serve } from './system.ts';

const packages = new URL('/peers/@tensorflow/', self.location.href).href;
const backend = `${packages}tfjs-backend-wasm/dist/`;

serve(async (problem, { threads, variant }) => {
  await import(/* @vite-ignore */ `${packages}tfjs/dist/tf.es2017.min.js`);
  await import(/* @vite-ignore */ `${backend}tf-backend-wasm.es2017.min.js`);
  // The two scripts put all they have into this one object.
  const tf = Reflect.get(globalThis, 'tf');
  tf.wasm.setWasmPaths(backend);
  // It takes half the machine's processors at the most, whatever it is asked for.
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads });
  tf.wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  await tf.ready();
  if (tf.wasm.getThreadsCount() !== threads) {
    throw new Error(`${tf.wasm.getThreadsCount()} threads in place of ${threads}`);
  }

  const swapLast = (x) => tf.transpose(x, [...x.shape.keys()].slice(0, -2).concat(x.rank - 1, x.rank - 2));
  const ownProduct = tf.customGrad((a, b, save) => {
    save([a, b]);
    return {
      value: tf.matMul(a, b),
      gradFunc: (dy, [left, right]) => [tf.matMul(dy, swapLast(right)), tf.matMul(swapLast(left), dy)],
    };
  });
  const product = variant === 'transposes' ? ownProduct : tf.matMul;

  const { hidden, heads } = problem;
  const names = bertLayer(0);
  const parameterNames = [...problem.parameters.keys()];
  // Matrices as [inputs, outputs], so that the forward pass has no transposed product.
  const leaves = [tf.tensor(problem.input.data, problem.input.dims)];
  for (const { dims, data } of problem.parameters.values()) {
    leaves.push(tf.tensor(transposed(dims, data), dims.toReversed()));
  }
  const upstream = tf.tensor(problem.upstream.data, problem.upstream.dims);
  const lossOf = (x, ...weights) => {
    const parameter = (name) => weights[parameterNames.indexOf(name)];
    const linear = (y, name) => tf.add(product(y, parameter(`${name}.weight`)), parameter(`${name}.bias`));
    const norm = (y, name) => {
      const { mean, variance } = tf.moments(y, -1, true);
      const scaled = tf.mul(tf.sub(y, mean), tf.rsqrt(tf.add(variance, epsilon)));
      return tf.add(tf.mul(scaled, parameter(`${name}.weight`)), parameter(`${name}.bias`));
    };
    const splitHeads = (y) =>
      tf.transpose(tf.reshape(y, [rows, length, heads, hidden / heads]), [0, 2, 1, 3]);
    const query = splitHeads(tf.mul(linear(x, names.query), 1 / Math.sqrt(hidden / heads)));
    const key = splitHeads(linear(x, names.key));
    const value = splitHeads(linear(x, names.value));
    const probabilities = tf.softmax(product(query, swapLast(key)));
    const context = tf.reshape(tf.transpose(product(probabilities, value), [0, 2, 1, 3]), [tokens, hidden]);
    const attended = norm(tf.add(linear(context, names.attentionOutput), x), names.attentionNorm);
    const wide = linear(attended, names.intermediate);
    const gelu = tf.mul(tf.mul(wide, 0.5), tf.add(tf.erf(tf.mul(wide, Math.SQRT1_2)), 1));
    const output = norm(tf.add(linear(gelu, names.output), attended), names.outputNorm);
    return tf.sum(tf.mul(output, upstream));
  };
  const gradientsOf = tf.valueAndGrads(lossOf);
  let gradients = [];
  return {
    step: async () => {
      tf.dispose(gradients);
      const { value, grads } = gradientsOf(leaves);
      gradients = grads;
      const [loss] = await value.data();
      value.dispose();
      return loss;
    },
    gradients: async () => {
      const found = new Map();
      for (const [i, name] of [inputName, ...parameterNames].entries()) {
        const data = await gradients[i].data();
        found.set(name, name === inputName ? data : transposed(gradients[i].shape, data));
      }
      return found;
    },
  };
});
