/** The style of the page: one column on a phone, dark where the reader's screen is. */
export const STYLE = `:root{--ink:#1b2226;--paper:#fff;--line:#d8dee1;--soft:#f3f6f7;--warn:#8a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#dfe7ea;--paper:#12181b;--line:#313c42;--soft:#1a2226;--warn:#f0b35e}}
*{box-sizing:border-box}body{margin:0;font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
header,main{max-width:76rem;margin:0 auto;padding:0 1rem}h1{font-size:1.5rem;margin:1rem 0 .2rem}h2{font-size:1.15rem;margin:1.6rem 0 .6rem}
header p{margin:0}header span{margin-right:1.2rem;white-space:nowrap}a{color:inherit}
figure{margin:0 0 1.2rem;display:inline-block;max-width:100%;vertical-align:top}figure label{margin-right:1rem;font-size:.9rem}
.picture{position:relative;width:fit-content;max-width:100%;border:2px solid var(--c)}.picture img{display:block;max-width:100%;height:auto;image-rendering:auto}
.picture svg{position:absolute;inset:0;width:100%;height:100%}.stars circle{fill:none;stroke:#ffd23f;stroke-width:1.2;vector-effect:non-scaling-stroke;pointer-events:all}
.picture .event{fill:none;stroke:#4dc3ff;stroke-width:1.6}.picture .event *{vector-effect:non-scaling-stroke}
.boxes rect{fill:none;stroke:#ff5a4d;stroke-width:1.8;vector-effect:non-scaling-stroke}.boxes text{fill:#ff5a4d}.boxes .chosen rect{stroke:#3dff8b;stroke-width:4}
figcaption{font-size:.88rem;padding-right:1.5rem;overflow-wrap:anywhere}.hint{font-size:.88rem;margin:.2rem 0 .6rem}
table{border-collapse:collapse;font-size:.92rem}th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left}th{cursor:pointer}
tbody tr{cursor:pointer}tbody tr.chosen{background:var(--soft)}.stamps{white-space:nowrap}.stamps img{image-rendering:pixelated;margin-right:3px;vertical-align:middle}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem}
.chart{width:100%;height:auto;background:var(--soft);border-radius:6px}.chart text{fill:var(--ink);font-size:12px}.chart .name{font-weight:600;font-size:13px}
.chart .grid{stroke:var(--line)}.chart .frame{fill:none;stroke:var(--ink);stroke-opacity:.5}.chart .event{stroke:#c0392b;stroke-width:1.6;stroke-dasharray:5 4}.chart .t0{fill:#c0392b;font-weight:600}
.warn{color:var(--warn);padding-left:1.2rem}details ul{font-size:.88rem;overflow-wrap:anywhere}summary{cursor:pointer;padding:.25rem 0}
@media(max-width:44rem){thead{display:none}table,tbody{display:block;width:100%}tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}td{display:block;border:0;padding:.1rem 0}td[data-name]:not(:empty)::before{content:attr(data-name) ' ';opacity:.65}.stamps img{width:30%;height:auto}td.stamps::before{content:''!important}}`

/** Switches of the overlays, sorting, and rows that point into the picture. */
export const SCRIPT = `for(const f of document.querySelectorAll('figure'))for(const[c,g]of[['.see-stars','.stars'],['.see-boxes','.boxes']]){const box=f.querySelector(c);box.addEventListener('change',()=>{f.querySelector(g).style.display=box.checked?'':'none'})}
for(const row of document.querySelectorAll('tr[data-c]'))row.addEventListener('click',()=>{for(const e of document.querySelectorAll('.chosen'))e.classList.remove('chosen');row.classList.add('chosen');const mark=document.getElementById(row.dataset.c);if(mark){mark.classList.add('chosen');mark.closest('figure').scrollIntoView({behavior:'smooth',block:'nearest'})}})
for(const table of document.querySelectorAll('.sortable')){const body=table.tBodies[0];[...table.tHead.rows[0].cells].forEach((th,k)=>{let up=1;th.addEventListener('click',()=>{const rows=[...body.rows];const key=r=>r.cells[k].textContent;const num=rows.every(r=>key(r)===''||!isNaN(parseFloat(key(r))));rows.sort((a,b)=>up*(num?(parseFloat(key(b))||-1e9)-(parseFloat(key(a))||-1e9):key(a).localeCompare(key(b))));up=-up;body.append(...rows)})})}`
