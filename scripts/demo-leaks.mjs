/**
 * Texts that are nearly one that is held out: pairs whose vectors have a larger cosine than that.
 * @typedef {{ readonly text: string, readonly vector: Float32Array }} TextVector
 * @param {readonly TextVector[]} trained @param {readonly TextVector[]} heldOut @param {number} most
 * @returns {string[]}
 */
export function nearlyHeldOut(trained, heldOut, most) {
  const others = heldOut.map(({ text, vector }) => ({ text, vector: unit(vector) }));
  return trained.flatMap(({ text, vector }) => {
    const own = unit(vector);
    return others.flatMap((other) => {
      const cosine = own.reduce((sum, value, i) => sum + value * (other.vector[i] ?? NaN), 0);
      return cosine <= most ? [] : [`${cosine.toFixed(3)}: ${text} / ${other.text}`];
    });
  });
}

/** @param {Float32Array} vector */
function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
