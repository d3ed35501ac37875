#!/usr/bin/env bash
# Migración segura: backup, validación, migración y verificación, en ese orden.
# Uso: scripts/safe-migration.sh [local|dev|staging|prod|OTRO]
set -Eeuo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/entorno.sh
source scripts/entorno.sh

ayuda scripts/safe-migration.sh "$@"
sobra "${2:-}"
elegir_entorno "${1:-}"
trap 'fallo $?' ERR

echo "🔄 Iniciando migración segura (${entorno})..."

paso "backup" \
  "No se ha modificado nada." \
  "Corrija la causa y repita: scripts/safe-migration.sh ${entorno}"
echo "📦 Creando backup..."
npm run db:backup

paso "validación" \
  "El backup está hecho; la base de datos no se ha modificado." \
  "Corrija lo que indica el mensaje y repita: scripts/safe-migration.sh ${entorno}"
echo "🔍 Validando migración..."
npm run prisma:migrate:status

paso "migración" \
  "Cada migración se aplica entera o nada: las anteriores a la que falló siguen aplicadas. El backup está hecho." \
  "Corrija la migración y repita: scripts/safe-migration.sh ${entorno}; o vuelva al backup: scripts/rollback-migration.sh ${entorno}"
echo "🚀 Aplicando migración..."
npm run prisma:migrate:deploy -- --backup newest

paso "verificación" \
  "Las migraciones están aplicadas, pero los datos no pasan la verificación. El backup está hecho." \
  "Lea los hallazgos; para volver al backup: scripts/rollback-migration.sh ${entorno}"
echo "✅ Verificando integridad..."
npm run db:verify

echo "🎉 Migración completada exitosamente!"
