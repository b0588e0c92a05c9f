import DefaultTheme from 'vitepress/theme'
import { h } from 'vue'
import Decoder from './Decoder.vue'
import HomeCode from './home-code.md'
import './style.css'

export default {
  extends: DefaultTheme,
  Layout: () =>
    h(DefaultTheme.Layout, undefined, {
      'home-hero-image': () => h('div', { class: 'vp-doc home-code' }, h(HomeCode)),
    }),
  enhanceApp({ app }) {
    app.component('Decoder', Decoder)
  },
}
