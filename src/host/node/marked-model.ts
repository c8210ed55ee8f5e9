import { ProtobufWriter } from '../../formats/protobuf.ts';

/** The extra output of a marked model. */
export const markerName = 'retriever_studio.done';

/** The error of onnxruntime-node for an output that is not a tensor, after the run has succeeded. */
const refusal = 'Non tensor type is temporarily not supported.';

/**
 * Adds a first output that is a sequence instead of a tensor.
 *
 * onnxruntime-node writes each output into the array it was given, and then returns another copy of it in fresh
 * memory: for the activations of a training step that is a fifth of the step's time. It converts outputs in
 * order and gives up at the first one that is not a tensor, so with the marker in front nothing is copied, and the
 * given arrays hold the results. {@link isMarkerRefusal} distinguishes this end from a failure.
 *
 * Messages of Protocol Buffers merge when they are concatenated, so the model itself is not parsed.
 */
export function withMarker(model: Uint8Array): Uint8Array {
  const float = new ProtobufWriter().integer(1, 1);
  const tensor = new ProtobufWriter().message(1, float);
  const sequence = new ProtobufWriter().message(1, tensor);
  const graph = new ProtobufWriter()
    .message(
      1,
      new ProtobufWriter()
        .text(1, 'retriever_studio.one')
        .text(2, markerName)
        .text(3, markerName)
        .text(4, 'SequenceConstruct'),
    )
    .message(
      5,
      new ProtobufWriter().integer(2, 1).text(8, 'retriever_studio.one').bytes(9, new Uint8Array(4)),
    )
    .message(
      12,
      new ProtobufWriter().text(1, markerName).message(2, new ProtobufWriter().message(4, sequence)),
    );
  const marker = new ProtobufWriter().message(7, graph).finish();
  const marked = new Uint8Array(marker.length + model.length);
  marked.set(marker);
  marked.set(model, marker.length);
  return marked;
}

/** Whether a run ended at the marker: all is computed, and every output is where it was asked for. */
export function isMarkerRefusal(error: unknown): boolean {
  return error instanceof Error && error.message === refusal;
}
