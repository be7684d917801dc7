#!/usr/bin/env bash
# The parts of a plan as a Slurm array, and a job that merges them:
#
#   prep plan enwiki-*.xml.bz2 --parts 64 -o plan.json
#   parts=$(sbatch --parsable --array=0-63 prep.sh plan.json parts esi --min-entities 1)
#   sbatch --dependency=afterok:$parts --wrap 'prep merge parts/* -o data/esi'
#
# A part that was stopped (time limit, lost node) goes on from its last finished unit when it is queued again; a part that is
# complete ends at once, so the same line may be given again after a failure.
#SBATCH --job-name=prep
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:INT@60
set -euo pipefail
plan=$1 parts=$2
shift 2
mkdir -p "$parts"
exec prep "$@" --plan "$plan" --part "$SLURM_ARRAY_TASK_ID" -o "$parts/$SLURM_ARRAY_TASK_ID" \
    --resume --threads "${SLURM_CPUS_PER_TASK:-4}"
