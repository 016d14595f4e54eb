# What exchange-partner does, for Windows alone: PowerShell 5.1, .NET's SignedCms and EnvelopedCms, Windows' own sftp.exe.
# NOT YET TRIED ON WINDOWS. Try it at the test stage first; where it differs from the partner guide, the guide is right.
#
#   powershell -File exchange-partner.ps1 send DATA.csv|DATA.xlsx   makes a set of the data file and uploads it; prints the batch id
#   powershell -File exchange-partner.ps1 fetch BATCH               fetches receipt, notice and results; checks their signatures
#   powershell -File exchange-partner.ps1 open BATCH                checks and opens all results that were fetched
#   powershell -File exchange-partner.ps1 ack BATCH                 tells the office that they were taken
#
# Settings: the file that EXCHANGE_PARTNER names, else .\exchange-partner.conf (UTF-8), the same lines NAME='value' as there;
# PERIOD and ROWS, which are others each time, may be left out there and stand in the environment: $env:ROWS = '52310'.
# In its folder: sign.pem, encrypt.pem, office-sign.pem, office-encrypt.pem, and sftp, the log-in key in OpenSSH's form, which
# only your account may read. The other two private keys lie in your account's store, once for each pair:
#   certutil -user -csp "Microsoft Enhanced RSA and AES Cryptographic Provider" -importpfx sign.p12 NoExport
# (openssl pkcs12 -export -inkey sign.key -in sign.pem -out sign.p12). Files go to and come from the current folder.
#
# Rules: as there: signature first, then what it is about, then hashes, and only then anything is opened. Every step may be
# run again. Ends with 0, 1 (does not hold, or refused), 2 (called wrongly), 75 (not there yet, or no connection: try again).
param([string]$Command, [string]$Of)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
if ($PSVersionTable.PSVersion.Major -lt 6) { Add-Type -AssemblyName System.Security }

$SHA256 = '2.16.840.1.101.3.4.2.1'
$AES256 = '2.16.840.1.101.3.4.1.42'
$HOST_FILE = '.exchange-host-key'
$UTF8 = New-Object System.Text.UTF8Encoding $false
$USAGE = 'exchange-partner.ps1 send FILE | fetch BATCH | open BATCH | ack BATCH'

function Stop-With([int]$Code, [string]$Why) { [Console]::Error.WriteLine($Why); exit $Code }

# .NET has a current folder of its own.
function Get-Here([string]$Name) { [IO.Path]::Combine((Get-Location).ProviderPath, $Name) }

function Read-Settings([string]$Path) {
    $found = @{ LETTER = ''; NUMBER = ''; OBJECTS_TO = ''; ENCODING = ''; SHEET = '' }
    foreach ($line in [IO.File]::ReadAllLines($Path, $UTF8)) {
        if ($line -match '^([A-Z_]+)=(?:''([^'']*)''|([^\s''"#]*))\s*(?:#.*)?$') { $found[$Matches[1]] = [string]$Matches[2] + [string]$Matches[3] }
        elseif ($line -notmatch '^\s*(#.*)?$') { Stop-With 2 "a line of the settings is not NAME='value'" }
    }
    foreach ($name in 'PERIOD', 'ROWS') { if (-not $found[$name]) { $found[$name] = [Environment]::GetEnvironmentVariable($name) } }
    $found
}

function Assert-Has([string[]]$Names) {
    foreach ($name in $Names) { if (-not $Set[$name]) { Stop-With 2 "the settings lack $name" } }
}

# All certificates of a PEM file: during a change of keys the office hands over two.
function Read-Certificates([string]$Path) {
    $text = [IO.File]::ReadAllText($Path)
    foreach ($one in [regex]::Matches($text, '-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----')) {
        New-Object System.Security.Cryptography.X509Certificates.X509Certificate2 (, [Convert]::FromBase64String($one.Groups[1].Value))
    }
}

# The same certificate with its private key, from this account's store.
function Get-Own([string]$Name) {
    $wanted = @(Read-Certificates (Join-Path $Keys "$Name.pem"))[0].Thumbprint
    $store = New-Object System.Security.Cryptography.X509Certificates.X509Store 'My', 'CurrentUser'
    $store.Open('ReadOnly')
    try { $own = @($store.Certificates | Where-Object { $_.Thumbprint -eq $wanted -and $_.HasPrivateKey }) } finally { $store.Close() }
    if (-not $own.Count) { Stop-With 2 "the private key of $Name.pem is not in this account's store: see the head of this script" }
    $own[0]
}

function Get-Sha256([string]$Name) { (Get-FileHash -Algorithm SHA256 -LiteralPath $Name).Hash.ToLowerInvariant() }

# The name must be of this partner, so that nothing else is ever read or written.
function Get-BatchId([string]$Id) {
    if ($Id -cmatch '^[A-Za-z0-9_.-]+$' -and $Id.StartsWith("$($Set.PARTNER).", 'Ordinal') -and $Id.Length -gt $Set.PARTNER.Length + 1) { return $Id }
    Stop-With 2 "no batch id of $($Set.PARTNER): $Id"
}

# Runs a batch of sftp's commands; its lines, or 75.
function Invoke-Office([string[]]$Lines) {
    [IO.File]::WriteAllText((Get-Here $HOST_FILE), "office $($Set.HOST_KEY)`n", $UTF8)
    $batch = ".exchange-sftp-$PID"
    [IO.File]::WriteAllText((Get-Here $batch), ($Lines -join "`n") + "`n", $UTF8)
    try {
        $ErrorActionPreference = 'Continue'
        $said = & sftp -q -b $batch -P $Set.SFTP_PORT -i (Join-Path $Keys 'sftp') -o IdentitiesOnly=yes -o HostKeyAlias=office -o ConnectTimeout=30 `
            -o UserKnownHostsFile=$HOST_FILE -o StrictHostKeyChecking=yes "$($Set.SFTP_USER)@$($Set.SFTP_HOST)" 2>$null
        if ($LASTEXITCODE -ne 0) { Stop-With 75 'no connection, or a file is not there' }
        $said
    } finally { Remove-Item -LiteralPath $batch, $HOST_FILE -ErrorAction SilentlyContinue }
}

# Stops unless the detached signature over this file is by the office's certificate, valid today, with SHA-256.
function Assert-Signed([string]$Name) {
    $bad = "${Name}: the signature does not hold; do not use it"
    $content = New-Object System.Security.Cryptography.Pkcs.ContentInfo (, [IO.File]::ReadAllBytes((Get-Here $Name)))
    $signed = New-Object System.Security.Cryptography.Pkcs.SignedCms $content, $true
    $pinned = @(Read-Certificates (Join-Path $Keys 'office-sign.pem') | Where-Object { $_.NotBefore -le (Get-Date) -and $_.NotAfter -ge (Get-Date) })
    $extra = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2Collection
    foreach ($each in $pinned) { [void]$extra.Add($each) }
    try {
        $signed.Decode([IO.File]::ReadAllBytes((Get-Here "$Name.p7s")))
        $signed.CheckSignature($extra, $true)
    } catch { Stop-With 1 $bad }
    $signers = @($signed.SignerInfos)
    if ($signers.Count -ne 1 -or $signers[0].DigestAlgorithm.Value -ne $SHA256) { Stop-With 1 $bad }
    if (@($pinned | Where-Object { $_.Thumbprint -eq $signers[0].Certificate.Thumbprint }).Count -ne 1) { Stop-With 1 $bad }
}

# A JSON file of the office that is signed and about this batch.
function Read-Signed([string]$Name, [string]$Batch) {
    Assert-Signed $Name
    $record = [IO.File]::ReadAllText((Get-Here $Name), $UTF8) | ConvertFrom-Json
    $about = @('batch', 'about' | Where-Object { $record.PSObject.Properties[$_] } | ForEach-Object { $record.$_ })
    if ($about -cnotcontains $Batch) { Stop-With 1 "${Name}: about another batch" }
    $record
}

function New-Manifest([string]$Batch, [string]$Data) {
    $record = [ordered]@{ format = 'exchange-request/1'; partner = $Set.PARTNER; batch = $Batch; cycle = $Set.CYCLE; period = $Set.PERIOD }
    $record.purpose = $Set.PURPOSE
    $record.legal_basis = $Set.LEGAL_BASIS
    if ($Set.LETTER) { $record.letter = $Set.LETTER }
    $record.handler = $Set.HANDLER
    $record.items = @($Set.ITEMS -split '\s+' | Where-Object { $_ })
    if ($Set.OBJECTS_TO) { $record.objects_to = $Set.OBJECTS_TO }
    $record.rows = [int]$Set.ROWS
    $size = (Get-Item -LiteralPath $Data).Length
    $record.data = [ordered]@{ name = $Data; size = $size; sha256 = (Get-Sha256 $Data); encrypted = $true }
    if ($Set.ENCODING) { $record.data.encoding = $Set.ENCODING }
    if ($Set.SHEET) { $record.data.sheet = $Set.SHEET }
    [IO.File]::WriteAllText((Get-Here "$Batch.request.json"), ($record | ConvertTo-Json -Depth 4) + "`n", $UTF8)
}

function Protect-Data([string]$From, [string]$To) {
    $office = @(Read-Certificates (Join-Path $Keys 'office-encrypt.pem'))[0]
    $content = New-Object System.Security.Cryptography.Pkcs.ContentInfo (, [IO.File]::ReadAllBytes($From))
    $cipher = New-Object System.Security.Cryptography.Pkcs.AlgorithmIdentifier (New-Object System.Security.Cryptography.Oid $AES256)
    $envelope = New-Object System.Security.Cryptography.Pkcs.EnvelopedCms $content, $cipher
    $envelope.Encrypt((New-Object System.Security.Cryptography.Pkcs.CmsRecipient $office))
    [IO.File]::WriteAllBytes((Get-Here $To), $envelope.Encode())
}

function Add-Signature([string]$Name) {
    $content = New-Object System.Security.Cryptography.Pkcs.ContentInfo (, [IO.File]::ReadAllBytes((Get-Here $Name)))
    $signed = New-Object System.Security.Cryptography.Pkcs.SignedCms $content, $true
    $signer = New-Object System.Security.Cryptography.Pkcs.CmsSigner (Get-Own 'sign')
    $signer.DigestAlgorithm = New-Object System.Security.Cryptography.Oid $SHA256 # .NET Framework's own choice is SHA-1
    $signer.IncludeOption = 'EndCertOnly'
    $signed.ComputeSignature($signer, $true)
    [IO.File]::WriteAllBytes((Get-Here "$Name.part"), $signed.Encode())
    Move-Item -LiteralPath "$Name.part" -Destination "$Name.p7s"
}

function Send-Set([string]$File) {
    if ($File -notmatch '\.(csv|xlsx)$') { Stop-With 2 "neither .csv nor .xlsx: $File" }
    $form = $Matches[1].ToLowerInvariant()
    if (-not (Test-Path -LiteralPath $File -PathType Leaf)) { Stop-With 2 "no such file: $File" }
    Assert-Has 'PURPOSE', 'LEGAL_BASIS', 'CYCLE', 'PERIOD', 'HANDLER', 'ITEMS', 'ROWS'
    if ($Set.ROWS -cnotmatch '^[0-9]+$') { Stop-With 2 "ROWS is a number of data rows: $($Set.ROWS)" }
    $path = (Resolve-Path -LiteralPath $File).ProviderPath
    $number = $Set.NUMBER
    if (-not $number) { $number = Get-Date -Format 'yyyyMMdd-HHmmss' }
    $batch = Get-BatchId "$($Set.PARTNER).$number"
    $data = "$batch.$form.p7m"
    $of = (Get-Sha256 $path) + (Get-Sha256 $Conf) + " $($Set.PERIOD) $($Set.ROWS)"
    if (Test-Path -LiteralPath "$batch.request.json.p7s") { # a set that was made is sent again as it is, never in the place of another
        $made = ''
        if (Test-Path -LiteralPath "$batch.of") { $made = [IO.File]::ReadAllText((Get-Here "$batch.of")) }
        if ($made -ne $of) { Stop-With 2 "$batch was made of another file or other settings: give a new NUMBER" }
    } else {
        [IO.File]::WriteAllText((Get-Here "$batch.of"), $of)
        Protect-Data $path $data
        New-Manifest $batch $data
        Add-Signature "$batch.request.json"
    }
    $lines = foreach ($name in $data, "$batch.request.json.p7s", "$batch.request.json") {
        "-rm to-office/.part-$name", "put $name to-office/.part-$name", "-rm to-office/$name", "rename to-office/.part-$name to-office/$name"
    }
    [void](Invoke-Office $lines)
    $batch
}

function Receive-Files([string]$Batch) {
    # of the batch's own files alone: not of a batch whose number begins with this one's
    $own = '^' + [regex]::Escape($Batch) + '\.(receipt|notice|result)[.-][A-Za-z0-9_.-]+$'
    $names = @(Invoke-Office @('ls -1 from-office') | ForEach-Object { ([string]$_).Trim() -replace '^from-office/', '' } |
            Where-Object { $_ -cmatch $own })
    if (-not $names.Count) { Stop-With 75 "nothing there yet for $Batch" }
    [void](Invoke-Office @($names | ForEach-Object { "get from-office/$_ $_" }))
    $refused = $false
    foreach ($name in $names | Where-Object { $_.EndsWith('.json') }) {
        $record = Read-Signed $name $Batch
        if ($name -match '\.receipt[^.]*\.json$' -and $record.outcome -eq 'refused') { $refused = $true }
        $name
    }
    if ($refused) { Stop-With 1 "$Batch was refused; the receipt says why" }
}

# The manifests of results that were fetched, the first one first.
function Get-Results([string]$Batch) {
    $form = '^' + [regex]::Escape("$Batch.result") + '(-\d+)?\.json$'
    $found = @(Get-ChildItem -LiteralPath . -File | Where-Object { $_.Name -cmatch $form } | Sort-Object { '{0:d9}{1}' -f $_.Name.Length, $_.Name } | ForEach-Object { $_.Name })
    if (-not $found.Count) { Stop-With 75 "no result of $Batch was fetched yet" }
    $found
}

function Open-Results([string]$Batch) {
    foreach ($name in @(Get-Results $Batch)) {
        $record = Read-Signed $name $Batch
        if ($record.plain.name -notmatch '\.(csv|xlsx)$') { Stop-With 1 "${name}: names no data file" }
        $plain = $name.Substring(0, $name.Length - 5) + $Matches[0].ToLowerInvariant()
        if ((Get-Sha256 "$plain.p7m") -ne $record.encrypted.sha256) { Stop-With 1 "$plain.p7m: not the one that was signed for" }
        $envelope = New-Object System.Security.Cryptography.Pkcs.EnvelopedCms
        $own = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2Collection (Get-Own 'encrypt')
        try {
            $envelope.Decode([IO.File]::ReadAllBytes((Get-Here "$plain.p7m")))
            $envelope.Decrypt($own)
        } catch { Stop-With 1 "$plain.p7m does not open with the key of encrypt.pem" }
        $content = $envelope.ContentInfo.Content
        $hash = [BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($content)).Replace('-', '').ToLowerInvariant()
        if ($hash -ne $record.plain.sha256) { Stop-With 1 "${plain}: not what was signed for" }
        [IO.File]::WriteAllBytes((Get-Here $plain), $content)
        $plain
    }
}

function Confirm-Results([string]$Batch) {
    foreach ($name in @(Get-Results $Batch)) {
        $taken = $name.Substring(0, $name.Length - 5) + '.ack'
        [IO.File]::WriteAllBytes((Get-Here $taken), (New-Object byte[] 0))
        [void](Invoke-Office @("put $taken to-office/$taken"))
    }
}

if (-not $Of -or 'send', 'fetch', 'open', 'ack' -cnotcontains $Command) { Stop-With 2 $USAGE }
$Conf = $env:EXCHANGE_PARTNER
if (-not $Conf) { $Conf = 'exchange-partner.conf' }
if (-not (Test-Path -LiteralPath $Conf -PathType Leaf)) { Stop-With 2 "no settings: $Conf" }
$Conf = (Resolve-Path -LiteralPath $Conf).ProviderPath
$Keys = Split-Path -Parent $Conf
$Set = Read-Settings $Conf
Assert-Has 'PARTNER', 'SFTP_HOST', 'SFTP_PORT', 'SFTP_USER', 'HOST_KEY'
switch ($Command) {
    'send' { Send-Set $Of }
    'fetch' { Receive-Files (Get-BatchId $Of) }
    'open' { Open-Results (Get-BatchId $Of) }
    'ack' { Confirm-Results (Get-BatchId $Of) }
}
