/** How the page looks: quiet greys, one accent, figures that line up. */

export const STYLE = `
:root{color-scheme:light dark;--paper:#fbfaf8;--ink:#1c1b19;--soft:#6d6a64;--line:#dedad3;--grey:#a39e95;--accent:#c2410c;--wash:#f3efe8}
@media(prefers-color-scheme:dark){:root{--paper:#161514;--ink:#ebe8e2;--soft:#9a958c;--line:#33302c;--grey:#6f6a62;--accent:#fb923c;--wash:#211f1d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1260px;margin:0 auto;padding:40px 20px 80px}
h1{font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.01em;margin:0 0 8px}
h2{font-size:19px;font-weight:650;margin:56px 0 6px}
p{max-width:68ch;margin:0 0 14px}.lead{font-size:17px}.soft,small,dt{color:var(--soft)}
small{display:block;font-size:12px;line-height:1.4;font-weight:400}
i{font-style:normal;color:var(--soft)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:2px}
table{border-collapse:separate;border-spacing:0}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:400;font-size:12px;white-space:nowrap}
.verdict{width:100%}.verdict th[scope=row]{font-size:19px;font-weight:400}.verdict b{font-size:19px;font-weight:650}.verdict .ahead b{color:var(--accent)}.verdict td{width:31%}
.axes{display:flex;gap:6px;border:0;padding:0;margin:12px 0 4px}
button,select,.axes label{font:inherit;font-size:13px;color:inherit;background:none;border:1px solid var(--line);border-radius:99px;padding:4px 13px;cursor:pointer}
select{border-radius:8px;max-width:100%;background:var(--paper)}
.axes input{position:absolute;opacity:0}.axes label:has(:checked),button[aria-pressed=true]{border-color:var(--ink)}.axes label:has(:focus-visible){outline:2px solid var(--accent)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(310px,1fr));gap:22px}
body:has(#by-real:checked) .plot.computed,body:has(#by-computed:checked) .plot.real{display:none}
.plot{width:100%;height:auto;overflow:visible}.plot text{font-size:12px;fill:var(--soft)}.plot .name{font-size:14px;font-weight:650;fill:var(--ink)}
.grid{stroke:var(--line)}.curve path{fill:none;stroke:var(--grey);stroke-width:1.3}.curve circle{fill:var(--paper);stroke:var(--grey);stroke-width:1.3}
.curve.baseline path{stroke-dasharray:3 3}.label path{stroke-width:.6}.label text{fill:var(--soft)}
.curve.focus path{stroke:var(--accent);stroke-width:2.4}.curve.focus circle{fill:var(--accent);stroke:var(--accent)}.label.focus path{stroke-width:.8}.label.focus text{fill:var(--accent);font-weight:650}
.curve.lit path,.curve.lit circle{stroke:var(--ink);stroke-width:2.2}.label.lit path{stroke-width:.8}.label.lit text{fill:var(--ink);font-weight:650}
.reach{min-width:560px;width:100%;max-width:860px}.reach text{font-size:12px;fill:var(--soft)}.reach .focus text{fill:var(--accent);font-weight:650}
.wide{overflow-x:auto;margin-top:10px}.big{min-width:1000px;width:100%;font-size:13.5px}.big small{font-size:11.5px}.big td{white-space:nowrap}.big th,.big td{padding-right:8px}.unreachable td{white-space:normal}.big th[scope=row]{font-weight:500;position:sticky;left:0;background:var(--paper);min-width:150px}
.target th{padding-top:26px;font-size:15px;font-weight:650;border-top:0}.big .focus th,.big .focus td{background:var(--wash)}.big .focus th{color:var(--accent);padding-left:8px}details{margin-top:18px}summary{cursor:pointer;color:var(--soft);font-size:14px}.unreachable{color:var(--soft)}
.interval{width:40px;height:10px;vertical-align:-1px}.interval line{stroke:var(--ink)}.interval .zero{stroke:var(--grey);stroke-width:.7}.interval circle{fill:var(--ink)}
.controls{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:12px 0}.controls input{flex:1;min-width:120px;accent-color:var(--accent)}
#videos{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:22px 16px}
figure{margin:0}.frame{overflow:hidden;border-radius:4px;background:var(--wash)}.frame img{display:block;image-rendering:pixelated}figure.focus .frame{outline:2px solid var(--accent);outline-offset:2px}
figcaption{display:flex;flex-direction:column;font-size:12.5px;line-height:1.35;margin:7px 0 5px}figcaption b{font-weight:600;overflow-wrap:anywhere}figcaption span{color:var(--soft)}figure.focus b{color:var(--accent)}
.timeline{display:flex;align-items:flex-end;gap:1px;height:30px;border-bottom:1px solid var(--line);cursor:crosshair;touch-action:pan-y}
.bar{flex:1;min-width:0;background:var(--ink)}.bar.block{background:color-mix(in srgb,var(--ink) 62%,var(--paper))}.bar.cfg{background:repeating-linear-gradient(135deg,var(--ink) 0 2px,var(--paper) 2px 4px)}.bar.step{background:var(--grey)}.bar.here{background:var(--accent)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12px;color:var(--soft);margin:14px 0 4px}.legend .bar{display:inline-block;width:9px;height:9px;margin-right:5px}
#readout{min-height:1.6em;font-size:13px;margin:0 0 6px}
ol.prompts{columns:2 380px;padding-left:26px;font-size:13.5px;color:var(--soft)}ol.prompts li{break-inside:avoid}
dl{display:grid;grid-template-columns:auto 1fr;gap:2px 18px;font-size:13.5px}dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:56px;padding-top:14px;border-top:1px solid var(--line);font-size:13px;color:var(--soft)}
@media(max-width:640px){main{padding:24px 14px 56px}h1{font-size:24px}.verdict th,.verdict td{padding-right:8px}.verdict b{font-size:16px}}
@media print{.controls,.axes{display:none}}
`;
