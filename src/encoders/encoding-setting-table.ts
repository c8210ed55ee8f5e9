/** Encoding settings that override the model's own. */
import { choiceSetting, numberSetting, switchSetting, textSetting, type Setting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import * as v from 'valibot';

const byModel = 'Default: set by the model.';

function prefixSetting(side: 'query' | 'passage'): Setting<string> {
  return textSetting({
    schema: v.string(),
    title: `${side} prefix`,
    help: `Text prepended to each ${side}. ${byModel}`,
    option: `${side}-prefix`,
    wanted: 'a text',
  });
}

export const encodingSettingTable = {
  queryMaxLength: numberSetting(settingRanges.maxLength, {
    title: 'maximum query length',
    help: `Maximum query length in tokens; longer queries are truncated. ${byModel}`,
    option: 'max-query-length',
    form: 'more',
  }),
  passageMaxLength: numberSetting(settingRanges.maxLength, {
    title: 'maximum passage length',
    help: `Maximum passage length in tokens; longer passages are truncated. ${byModel}`,
    option: 'max-passage-length',
    form: 'more',
  }),
  pooling: choiceSetting(['mean', 'cls'], {
    title: 'pooling',
    help: `Pooling of token vectors: mean, or cls for the [CLS] vector. ${byModel}`,
    option: 'pooling',
    placeholder: 'how',
  }),
  normalize: switchSetting(
    { yes: 'yes', no: 'no' },
    {
      title: 'normalize',
      help: `Normalize vectors to length 1. ${byModel}`,
      option: 'normalize',
      placeholder: 'yes|no',
    },
  ),
  queryPrefix: prefixSetting('query'),
  passagePrefix: prefixSetting('passage'),
} as const;
