#!/usr/bin/env bash
# Rollback: restaura el último backup (o el indicado) y lo verifica. La base de datos anterior se conserva.
# Uso: scripts/rollback-migration.sh [local|dev|staging|prod] [BACKUP]
set -Eeuo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/entorno.sh
source scripts/entorno.sh

elegir_entorno "${1:-}"
backup="${2:-newest}"
trap 'fallo $?' ERR

echo "🔄 Iniciando rollback (${entorno})..."

paso "restauración" \
  "Se restaura al lado y se cambia solo al final: si no terminó, la base de datos de antes sigue en su sitio." \
  "Corrija la causa y repita: scripts/rollback-migration.sh ${entorno} ${backup}"
echo "📦 Restaurando backup..."
npm run db:restore -- --backup "${backup}"

paso "verificación" \
  "El backup está restaurado; la base de datos anterior se conserva con otro nombre (el que indicó la restauración)." \
  "Lea los hallazgos; si la carpeta de migraciones es más nueva que el backup, es lo esperado hasta: scripts/safe-migration.sh ${entorno}"
echo "✅ Verificando restauración..."
npm run db:verify

echo "🎉 Rollback completado exitosamente!"
