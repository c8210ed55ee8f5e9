import type { ModelFolder } from '../host/contract.ts';
import { familyNamed, ownerOf } from './families/index.ts';
import { ownField, parseJsonObject } from '../formats/json-file.ts';

/** Whether a model's config.json names a sequence classification model: one that scores pairs of texts. */
export async function isCrossEncoder(folder: ModelFolder): Promise<boolean> {
  if ((await ownerOf(folder)) !== undefined) return false;
  const config = parseJsonObject(await folder.read('config.json'), `${folder.name}/config.json`);
  const architectures = ownField(config, 'architectures');
  return (
    Array.isArray(architectures) &&
    architectures.some((name) => typeof name === 'string' && name.endsWith('ForSequenceClassification'))
  );
}

/** The architecture that config.json names, where the studio has no graphs for it; undefined where it has. */
export async function foreignArchitecture(folder: ModelFolder): Promise<string | undefined> {
  if ((await ownerOf(folder)) !== undefined) return undefined;
  const config = parseJsonObject(await folder.read('config.json'), `${folder.name}/config.json`);
  const type = ownField(config, 'model_type');
  return typeof type === 'string' && familyNamed(type) === undefined ? type : undefined;
}
