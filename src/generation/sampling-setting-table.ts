/** How a model draws its tokens: a prompt states it, and a generation may state it otherwise. */
import * as v from 'valibot';
import { entriesOf, numberSetting, type Setting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';

const stop: Setting<readonly string[]> = {
  schema: v.array(v.pipe(v.string(), v.nonEmpty('is empty'))),
  default: undefined,
  title: 'stop texts',
  help: "Stop texts: a reply ends before them. Default: the prompt's own.",
  option: 'stop',
  placeholder: 'text',
  wanted: 'a text that is not empty',
  read: (text) => (text === '' ? undefined : [text]),
  show: (texts) => texts.join(', '),
};

export const samplingSettingTable = {
  temperature: numberSetting(settingRanges.samplingTemperature, {
    title: 'temperature',
    help: "Sampling temperature: 0 always takes the likeliest token. Default: the prompt's own.",
    option: 'temperature',
    placeholder: 'value',
  }),
  topP: numberSetting(settingRanges.share, {
    title: 'top-p',
    help: "Draw from the likeliest tokens whose probabilities add up to this. Default: the prompt's own.",
    option: 'top-p',
    placeholder: 'share',
  }),
  topK: numberSetting(settingRanges.count, {
    title: 'top-k',
    unit: 'tokens',
    help: "Draw from this many of the likeliest tokens. Default: the prompt's own.",
    option: 'top-k',
  }),
  maxTokens: numberSetting(settingRanges.count, {
    title: 'maximum reply length',
    unit: 'tokens',
    help: "Maximum length of a reply in tokens. Default: the prompt's own, in proportion to its items.",
    option: 'max-tokens',
  }),
  stop,
} as const;

/** As a prompt has it: what it does not say is the model's own default. */
export const samplingSchema = v.strictObject({
  ...entriesOf(samplingSettingTable),
  maxTokens: samplingSettingTable.maxTokens.schema,
});
