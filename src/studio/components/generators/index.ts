/** The forms of kinds of generators that offer more than fields for their settings. */
import type { Component } from 'svelte';
import type { GeneratorFormProps } from './form-props.ts';
import RecordedForm from './RecordedForm.svelte';
import ServerForm from './ServerForm.svelte';
import WebllmForm from './WebllmForm.svelte';
import WllamaForm from './WllamaForm.svelte';

export const generatorForms: Readonly<Record<string, Component<GeneratorFormProps>>> = {
  webllm: WebllmForm,
  wllama: WllamaForm,
  http: ServerForm,
  recorded: RecordedForm,
};
