/** How a model draws its tokens: a prompt states it, and a generation may state it otherwise. */
import * as v from 'valibot';
import { entriesOf, numberSetting, type Setting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';

const stop: Setting<readonly string[]> = {
  schema: v.array(v.pipe(v.string(), v.nonEmpty('is empty'))),
  default: undefined,
  title: 'stop texts',
  help: 'Stop sequences: the reply ends before them. Default: set by the prompt.',
  option: 'stop',
  placeholder: 'text',
  wanted: 'a text that is not empty',
  read: (text) => (text === '' ? undefined : [text]),
  show: (texts) => texts.join(', '),
};

export const samplingSettingTable = {
  temperature: numberSetting(settingRanges.samplingTemperature, {
    title: 'temperature',
    help: 'Sampling temperature: 0 always picks the most likely token. Default: set by the prompt.',
    option: 'temperature',
    placeholder: 'value',
  }),
  topP: numberSetting(settingRanges.share, {
    title: 'top-p',
    help: 'Nucleus sampling: sample from the most likely tokens with this total probability. Default: set by the prompt.',
    option: 'top-p',
    placeholder: 'share',
  }),
  topK: numberSetting(settingRanges.count, {
    title: 'top-k',
    unit: 'tokens',
    help: 'Sample from this many of the most likely tokens. Default: set by the prompt.',
    option: 'top-k',
  }),
  maxTokens: numberSetting(settingRanges.count, {
    title: 'maximum reply length',
    unit: 'tokens',
    help: 'Maximum reply length in tokens. Default: set by the prompt, in proportion to its items.',
    option: 'max-tokens',
  }),
  stop,
} as const;

/** As a prompt has it: what it does not say is the model's own default. */
export const samplingSchema = v.strictObject({
  ...entriesOf(samplingSettingTable),
  maxTokens: samplingSettingTable.maxTokens.schema,
});
