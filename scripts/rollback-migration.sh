#!/usr/bin/env bash
# Rollback: restaura el último backup (o el indicado) y lo verifica. La base de datos anterior se conserva.
# Con --down deshace en su lugar las últimas migraciones (una, si no se dice cuántas) con sus down.sql: no pierde lo escrito
# desde el backup, salvo lo que las propias migraciones añadieron.
# En prod se pide el nombre del entorno; donde no hay a quién preguntar, lo da --yes prod.
# Uso: scripts/rollback-migration.sh [local|dev|staging|prod|OTRO] [BACKUP | --down [N]] [--yes ENTORNO]
set -Eeuo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/entorno.sh
source scripts/entorno.sh

ayuda scripts/rollback-migration.sh "$@"

# Lo que se pasa a npm tal cual, para que no se pregunte.
confirmado=()
if [[ $# -ge 2 && "${*: -2:1}" == --yes ]]; then
  confirmado=(--yes "${*: -1}")
  set -- "${@:1:$#-2}"
fi
# Sin entorno, `--down` puede ser el primer argumento.
if [[ "${1:-}" == --* ]]; then set -- "" "$@"; fi
if [[ "${2:-}" == --down ]]; then sobra "${4:-}"; else sobra "${3:-}"; fi
if [[ "${2:-}" == --* && "${2:-}" != --down ]]; then sobra "$2"; fi
elegir_entorno "${1:-}"
backup="${2:-newest}"
trap 'fallo $?' ERR

echo "🔄 Iniciando rollback (${entorno})..."

if [[ "${backup}" == --down ]]; then
  pasos="${3:-1}"
  paso "deshacer migraciones" \
    "Cada migración se deshace entera o nada; antes se hizo un backup, que dice el mensaje." \
    "Corrija lo que indica el mensaje y repita: scripts/rollback-migration.sh ${entorno} --down ${pasos}; o vuelva al backup: scripts/rollback-migration.sh ${entorno}"
  echo "↩️  Deshaciendo ${pasos} migración(es)..."
  npm run db:rollback -- --steps "${pasos}" ${confirmado[@]+"${confirmado[@]}"}

  paso "verificación" \
    "Las migraciones están deshechas; el backup de antes está hecho." \
    "Lea lo que indica el mensaje; para volver a aplicarlas: scripts/safe-migration.sh ${entorno}"
  echo "✅ Verificando el historial y el esquema..."
  npm run prisma:migrate:status

  echo "🎉 Rollback completado exitosamente!"
  exit 0
fi

paso "restauración" \
  "Se restaura al lado y se cambia solo al final: si no terminó, la base de datos de antes sigue en su sitio." \
  "Corrija la causa y repita: scripts/rollback-migration.sh ${entorno} ${backup}"
echo "📦 Restaurando backup..."
npm run db:restore -- --backup "${backup}" ${confirmado[@]+"${confirmado[@]}"}

paso "verificación" \
  "El backup está restaurado; la base de datos anterior se conserva con otro nombre (el que indicó la restauración)." \
  "Lea los hallazgos; si la carpeta de migraciones es más nueva que el backup, es lo esperado hasta: scripts/safe-migration.sh ${entorno}"
echo "✅ Verificando restauración..."
npm run db:verify

echo "🎉 Rollback completado exitosamente!"
