import type { GenerationReply, GenerationRequest, GeneratorLoadProgress } from '../../generator.ts';

export interface GenerateOptions {
  /** Ends the reply after its current token. */
  readonly signal: AbortSignal;
  /** A sign of life: a token is written, or a part of the prompt read. */
  readonly onToken: () => void;
}

/** A model that is loaded into this worker. It is asked one question at a time. */
export interface Engine {
  /**
   * @throws InputError if the user has to act; TransientGeneratorError if the model is lost and has to be loaded again
   * in another worker
   */
  generate(request: GenerationRequest, options: GenerateOptions): Promise<GenerationReply>;
  close(): Promise<void>;
}

/** What a user does about a model whose kept files seem broken. */
export const deleteModel =
  'delete the model on the page “Own data”, under “Kept in this browser”, and re-run to download it again';

export type OnLoadProgress = (progress: GeneratorLoadProgress) => void;
