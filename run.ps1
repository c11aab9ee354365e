# Runs a task of deno.json on Windows, such as `.\run.ps1 train`: brings Deno into .deno\ where none of
# version 2.9 or newer is found, and checks it against the checksum that Deno publishes. A driver is not
# brought: WebGPU is there on Direct3D 12. This script has not been run.
#
#   GRAFT_DENO_URL   folder of the Deno archives, in place of Deno's own

$ErrorActionPreference = "Stop"
$Version = "2.9.6"
Set-Location -LiteralPath $PSScriptRoot
$Folder = Join-Path $PSScriptRoot ".deno"
$Own = Join-Path $Folder "bin\deno.exe"

function Test-Deno([string] $Path) {
    if (-not $Path -or -not (Test-Path -LiteralPath $Path)) { return $false }
    $Line = & $Path --version | Select-Object -First 1
    if ($Line -notmatch '^deno (\d+)\.(\d+)') { return $false }
    $Major = [int] $Matches[1]
    $Minor = [int] $Matches[2]
    return ($Major -gt 2) -or ($Major -eq 2 -and $Minor -ge 9)
}

function Get-Deno {
    $Arm = $env:PROCESSOR_ARCHITECTURE -eq "ARM64"
    $Target = if ($Arm) { "aarch64-pc-windows-msvc" } else { "x86_64-pc-windows-msvc" }
    $From = if ($env:GRAFT_DENO_URL) { $env:GRAFT_DENO_URL } else { "https://dl.deno.land/release/v$Version" }
    $Url = "$From/deno-$Target.zip"
    $Archive = Join-Path $Folder "deno.zip"
    $Sum = Join-Path $Folder "deno.zip.sha256sum"
    New-Item -ItemType Directory -Force -Path (Split-Path $Own) | Out-Null
    Write-Host "run: bringing Deno $Version into .deno\"
    Invoke-WebRequest -UseBasicParsing -Uri $Url -OutFile $Archive
    Invoke-WebRequest -UseBasicParsing -Uri "$Url.sha256sum" -OutFile $Sum
    $Wanted = [regex]::Match((Get-Content -Raw -LiteralPath $Sum), '[0-9A-Fa-f]{64}').Value
    $Found = (Get-FileHash -Algorithm SHA256 -LiteralPath $Archive).Hash
    if (-not $Wanted -or $Found -ne $Wanted) { throw "run: the checksum of $Url is wrong" }
    Expand-Archive -Force -LiteralPath $Archive -DestinationPath (Split-Path $Own)
    Remove-Item -LiteralPath $Archive, $Sum
}

$Command = Get-Command deno -ErrorAction SilentlyContinue
$Deno = if ($Command) { $Command.Source } else { "" }
if (-not (Test-Deno $Deno)) {
    $Deno = $Own
    if (-not (Test-Deno $Deno)) { Get-Deno }
    if (-not (Test-Deno $Deno)) { throw "run: $Deno does not run on this machine" }
}
$env:DENO_TLS_CA_STORE = if ($env:DENO_TLS_CA_STORE) { $env:DENO_TLS_CA_STORE } else { "mozilla,system" }
$env:PATH = "$(Split-Path $Deno);$env:PATH"
& $Deno task @args
exit $LASTEXITCODE
