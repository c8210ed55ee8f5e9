import type { EncoderShape } from '../encoders/types.ts';

/**
 * Floating-point operations of the forward pass over one sequence: 2 per weight of a linear layer and token, and
 * both products of attention, and the sum of the tokens. Training costs three times that.
 */
export function forwardFlops(shape: EncoderShape, tokens: number): number {
  const { hiddenSize, intermediateSize, layers } = shape;
  const weights = layers * (4 * hiddenSize * hiddenSize + 2 * hiddenSize * intermediateSize);
  return tokens * (2 * weights + 4 * layers * hiddenSize * tokens + hiddenSize);
}
