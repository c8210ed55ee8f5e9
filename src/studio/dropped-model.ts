/** Whether a recipe's GGUF model is a file that was dropped, not an address or a hub's ORG/NAME/FILE. */
export function isDroppedModel(model: string): boolean {
  return !model.includes('/');
}
